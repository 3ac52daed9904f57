// Tell the site this browser's time zone, for as long as nobody chooses one in the settings.

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const secure = location.protocol === "https:" ? "; secure" : "";
if (zone) document.cookie = `muara_zone=${zone}; path=/; max-age=31536000; samesite=lax${secure}`;
