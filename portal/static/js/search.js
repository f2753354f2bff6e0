// Shows what was looked for in its field again; the server does not put it into the page, so that no page holds it.
(() => {
  "use strict";
  const asked = new URLSearchParams(location.search).get("q");
  const field = document.getElementById("search-q");
  if (field && asked) field.value = asked;
})();
