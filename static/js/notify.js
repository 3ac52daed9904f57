// Tell of new mail in a notification of the browser, to who has allowed it in the settings, while no
// page of ours can be seen. `told` is what waits unread where its reader wants to be told of it.

const list = document.getElementById("list");
let before = Number(list.dataset.told);

export function tell(told) {
  const arrived = told - before;
  before = told;
  if (!(arrived > 0) || !document.hidden || window.Notification?.permission !== "granted") return;
  const { one, many } = document.getElementById("fresh").dataset;
  try {
    const note = new Notification("Muara", { body: arrived === 1 ? one : many.replace("#", arrived), tag: "new-mail" });
    note.addEventListener("click", () => {
      window.focus();
      note.close();
    });
  } catch {
    // Some phones know the name alone.
  }
}
