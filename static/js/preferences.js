// Choices are kept as they are made; without this script the button of their form does it.

const form = document.querySelector("form[data-saves]");
const said = form.querySelector(".saved");
const reloads = form.dataset.reloads.split(" ");
const BACK_AT = "preference";
let saving = Promise.resolve();

form.querySelector(".actions").hidden = true;

async function save(field) {
  let answer;
  try {
    answer = await fetch(form.action, { method: "POST", body: new FormData(form), headers: { Accept: "application/json" } });
  } catch {
    said.textContent = form.dataset.saves;
    return;
  }
  if (!answer.ok) return form.submit(); // The page says what is wrong.
  said.textContent = (await answer.json()).said;
  if (reloads.includes(field.name)) {
    sessionStorage.setItem(BACK_AT, field.id);
    location.reload();
  }
}

// What every page shows is shown here at once.
function show(field) {
  if (field.name in document.documentElement.dataset) document.documentElement.dataset[field.name] = field.value;
}

form.addEventListener("change", ({ target }) => {
  said.textContent = "";
  show(target);
  saving = saving.then(() => save(target));
});

document.getElementById(sessionStorage.getItem(BACK_AT))?.focus();
sessionStorage.removeItem(BACK_AT);
