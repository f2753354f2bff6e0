// Small manners of every page. Each works on markup that is useful without it; nothing here reads what a person types.
(() => {
  "use strict";

  const announce = (text) => {
    const place = document.getElementById("announcer");
    if (!place) return;
    place.textContent = "";
    setTimeout(() => { place.textContent = text; }, 50);
  };

  const report = (type, subject = "", value = "") =>
    document.dispatchEvent(new CustomEvent("portal:event", { detail: { type, subject, value } }));

  // Where the Clipboard API is missing (plain http), the text is selected and copied the old way.
  const copyText = async (source) => {
    const text = "value" in source ? source.value : source.textContent.trim();
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      if (source.select) source.select();
      else getSelection().selectAllChildren(source);
      if (!document.execCommand("copy")) throw new Error("copy refused");
    }
  };

  const onCopy = async (button) => {
    const source = document.getElementById(button.dataset.copy);
    const label = button.querySelector("[data-copy-label]") || button;
    if (!source) return;
    const before = button.dataset.copyBefore || label.textContent;
    button.dataset.copyBefore = before;
    let after = button.dataset.copyDone || "Copied";
    try {
      await copyText(source);
    } catch {
      after = "Press Ctrl+C to copy";
    }
    label.textContent = after;
    announce(after);
    setTimeout(() => { label.textContent = before; }, 2500);
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-copy], [data-print]");
    if (!button) return;
    if (button.hasAttribute("data-print")) window.print();
    else onCopy(button);
  });

  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("[data-downloads]");
    if (link) report("module.downloaded", link.dataset.downloads);
  });

  // A printed page counts once, however the person asked for it.
  window.addEventListener("beforeprint", () => {
    const main = document.getElementById("content");
    report("page.printed", main?.dataset.subject || "");
  });

  document.addEventListener("toggle", (event) => {
    const details = event.target;
    if (details.open && details.dataset?.expands) report("module.expanded", details.dataset.expands);
  }, true);

  // A link that leads to a field (from an error summary) brings the field's label into view with it.
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.(".error-summary a[href^='#']");
    const field = link && document.getElementById(link.getAttribute("href").slice(1));
    if (!field) return;
    event.preventDefault();
    (field.closest(".field") || field).scrollIntoView({ block: "start" });
    field.focus({ preventScroll: true });
  });

  document.addEventListener("input", (event) => {
    const area = event.target;
    const place = area.dataset?.counts && document.getElementById(area.dataset.counts);
    if (place) place.textContent = `${area.maxLength - area.value.length} characters left`;
  });

  const countDown = (bar) => {
    const place = bar.querySelector("[data-undo-left]");
    const end = performance.now() + Number(bar.dataset.undoSeconds) * 1000;
    const tick = () => {
      if (!bar.isConnected) return;
      const left = Math.ceil((end - performance.now()) / 1000);
      if (left <= 0) { bar.hidden = true; return; }
      place.textContent = `${left} s`;
      setTimeout(tick, 500);
    };
    tick();
  };

  const prepare = (root) => {
    for (const button of root.querySelectorAll("[data-copy][hidden], [data-print][hidden]")) button.hidden = false;
    for (const bar of root.querySelectorAll("[data-undo]:not([data-undo-runs])")) {
      bar.dataset.undoRuns = "";
      countDown(bar);
    }
    const wanting = root.querySelector("[data-takes-focus]");
    wanting?.removeAttribute("data-takes-focus");
    wanting?.focus();
  };

  prepare(document);
  document.addEventListener("htmx:after:swap", () => prepare(document));
  document.addEventListener("htmx:error", () => announce("The server could not be reached. Try again."));
})();
