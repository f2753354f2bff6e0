// Lists that a person puts in order: up and down buttons move rows here without a round trip; dragging is an extra.
(() => {
  "use strict";

  const say = (item) => {
    const place = [...item.parentElement.children].indexOf(item) + 1;
    const title = item.querySelector(".order-text").textContent.trim();
    const announcer = document.getElementById("announcer");
    if (announcer) announcer.textContent = `${title}: now ${place} of ${item.parentElement.children.length}`;
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-order] [data-move]");
    if (!button) return;
    event.preventDefault();
    const item = button.closest(".order-item");
    if (button.dataset.move === "-1") item.previousElementSibling?.before(item);
    else item.nextElementSibling?.after(item);
    button.focus();
    say(item);
  });

  const prepare = () => {
    if (!window.Sortable) return;
    for (const list of document.querySelectorAll("[data-order]:not(.order-live)")) {
      list.classList.add("order-live");
      new Sortable(list, { handle: ".order-grip", ghostClass: "order-ghost", animation: 0, onEnd: (moved) => say(moved.item) });
    }
  };

  prepare();
  document.addEventListener("htmx:after:swap", prepare);
})();
