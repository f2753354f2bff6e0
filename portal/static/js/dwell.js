// Measures how long a page and its sections are read: visible, attended, with somebody there.
//
// The element with data-view is the content root; its data-* attributes carry the view's credential and every setting.
// Without that element nothing is measured and nothing is kept. What is sent, and how it is counted, stands in docs/measuring.md.
(() => {
  "use strict";
  const TICK = 250; // ms between two looks at a visible page
  const SLEEP = 2000; // a longer slice is a machine asleep, unless a long task explains it
  const BUSY = 10000; // no page is busy for longer than this
  const AFTER_BLUR = 5000; // input in an unfocused window counts as attention for this long
  const READING = 1000; // a section in front for this long has been read
  const PASSING = 1000; // a section left upwards with less attention than this was passed by
  const MOST = { bytes: 4096, sections: 64, events: 48, spans: 32, flying: 4 };
  const KEY = "dwell:";
  const WORD = /^[a-z0-9][a-z0-9._:#+-]{0,79}$/;

  const clock = () => performance.now();
  const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
  const restored = performance.getEntriesByType("navigation")[0]?.type === "back_forward";
  const copy = restored ? Math.round(performance.timeOrigin) : 0; // an old copy of the page counts by itself
  const coarse = matchMedia("(hover: none) and (pointer: coarse)").matches;

  const known = new Map(); // credential → view: a root that comes back goes on
  const revoked = new Set();
  const media = new Set();
  const tasks = []; // long tasks, as [from, to]
  let view = null;
  let shown = []; // sections on screen
  let held = { counting: false, focused: false, watching: false }; // the state since `last`
  let last = 0;
  let away = false; // frozen, or in the back/forward cache
  let hadFocus = false;
  let lastInput = -Infinity;
  let ticking = 0;

  // Slices: each is credited to the state that held while it lasted.

  function advance(at = clock(), past = false) {
    const from = last;
    last = at;
    if (!view || !held.counting || at <= from) return;
    let span = at - from;
    if (span > SLEEP && !past && !wasBusy(from, at)) {
      const lost = span - TICK;
      view.gap += lost;
      view.proof += lost;
      view.pendingSince += lost;
      lastInput += lost;
      span = TICK;
    }
    const start = at - span;
    view.vis += span;
    for (const section of shown) if (section.half) section.seen += span;
    const attended = held.focused ? span : clamp(lastInput + AFTER_BLUR - start, 0, span);
    view.blur += span - attended;
    if (attended) attend(start, attended);
    if (held.watching) {
      view.vid += span;
      prove(at);
    }
  }

  function attend(from, span) {
    const sure = clamp(view.proof + view.grace - from, 0, span);
    const open = span - sure;
    if (sure) {
      view.eng += sure;
      share("attention", sure);
      spanned(from, from + sure);
    }
    if (open) {
      if (!view.silent) {
        view.silent = true;
        view.sil += 1;
        view.pendingSince = from + sure;
      }
      if (!view.absent && from + span - view.proof <= idleLimit()) {
        view.pend += open;
        share("pending", open);
      } else {
        view.absent = true;
        view.idle += view.pend + open;
        view.pend = 0;
        for (const section of view.sections.values()) section.pending = 0;
      }
    }
  }

  // Somebody is there: what was undecided has been reading.
  function prove(at) {
    if (!view) return;
    if (view.pend) {
      view.eng += view.pend;
      view.ret += view.pend;
      view.pend = 0;
      spanned(view.pendingSince, last);
      for (const section of view.sections.values()) {
        section.attention += section.pending;
        section.pending = 0;
      }
    }
    view.silent = view.absent = false;
    view.proof = Math.max(view.proof, Math.min(at, last));
  }

  function share(field, span) {
    let total = 0;
    let front = null;
    for (const section of shown) {
      total += section.height;
      if (!front || section.height > front.height) front = section;
    }
    for (const section of shown) section[field] += (span * section.height) / total;
    if (front !== view.front) {
      view.front = front;
      view.frontFor = 0;
    }
    view.frontFor += span;
    if (front && view.frontFor >= READING && view.reading !== front) {
      view.reading = front;
      front.times += 1;
      front.first ||= ++view.ranks;
    }
  }

  function spanned(from, to) {
    const spans = view.spans;
    const newest = spans[spans.length - 1];
    if (newest && from - newest[1] < 1) newest[1] = Math.max(newest[1], to);
    else spans.push([from, to]);
    if (spans.length > MOST.spans) {
      let narrow = 1;
      for (let i = 2; i < spans.length; i++) {
        if (spans[i][0] - spans[i - 1][1] < spans[narrow][0] - spans[narrow - 1][1]) narrow = i;
      }
      spans[narrow - 1][1] = spans.splice(narrow, 1)[0][1];
    }
  }

  // 1.5 × the time that the words on screen take at 200 a minute, within the bounds; a fixed time where unknown.
  function idleLimit() {
    let words = 0;
    for (const section of shown) words += section.words * section.part;
    return words ? clamp(words * view.msPerWord, view.idleLeast, view.idleMost) : view.idleUnknown;
  }

  let watcher = null;
  try {
    watcher = new PerformanceObserver(keepTasks);
    watcher.observe({ type: "longtask", buffered: true });
  } catch {
    watcher = null;
  }

  function keepTasks(list) {
    for (const task of list.getEntries ? list.getEntries() : list) tasks.push([task.startTime, task.startTime + task.duration]);
    tasks.splice(0, tasks.length - 20);
  }

  function wasBusy(from, to) {
    if (watcher) keepTasks(watcher.takeRecords());
    let covered = 0;
    for (const [start, end] of tasks) {
      if (end - start < BUSY) covered += Math.max(0, Math.min(to, end) - Math.max(from, start));
    }
    return to - from - covered < SLEEP;
  }

  // The state, read anew at the end of every handler.

  function read() {
    const focused = document.hasFocus();
    hadFocus ||= focused;
    const counting = !!view && !away && !document.prerendering && document.visibilityState === "visible";
    const attending = focused || (coarse && !hadFocus);
    if (counting && held.counting && attending !== held.focused) prove(last);
    if (held.focused && !attending) lastInput = -Infinity;
    if (counting) look();
    held = { counting, focused: attending, watching: counting && isWatching() };
    if (counting && !ticking) ticking = setInterval(tick, TICK);
    if (!counting && ticking) ticking = clearInterval(ticking) || 0;
  }

  function look() {
    const height = innerHeight;
    shown = [];
    for (const section of view.sections.values()) {
      if (!section.on) continue;
      const box = section.element.getBoundingClientRect();
      section.height = Math.min(box.bottom, height) - Math.max(box.top, 0);
      if (section.height <= 0) continue;
      section.part = section.height / box.height;
      section.half = section.part >= 0.5 || section.height >= height / 2;
      shown.push(section);
    }
    const root = view.root.getBoundingClientRect();
    if (root.height) view.depth = Math.max(view.depth, clamp(Math.round(((height - root.top) / root.height) * 100), 0, 100));
  }

  function isWatching() {
    for (const item of media) {
      const box = item.getBoundingClientRect();
      const playing = item.isConnected && !item.paused && !item.ended && item.readyState > 2;
      if (playing && box.height && box.bottom > 0 && box.top < innerHeight) return true;
    }
    return false;
  }

  function tick() {
    advance();
    read();
    if (!view) return;
    const pace = (view.vis < 60000 ? 1000 : view.vis < 300000 ? 2000 : 5000) * view.slow;
    const changed = view.eng + view.pend !== view.sentState;
    const due = last - view.sentAt >= pace - TICK / 2;
    if (view.fresh || (changed && due && view.flying < MOST.flying)) send(view);
    else if (changed) arm(view);
  }

  // Views: one content root in one document.

  function number(text, otherwise) {
    const value = Number.parseFloat(text);
    return Number.isFinite(value) ? value : otherwise;
  }

  function viewOf(root) {
    const set = root.dataset;
    if (!set.view || revoked.has(set.view)) return null;
    let found = known.get(set.view);
    if (!found) {
      found = { credential: set.view, n: 0, vis: 0, eng: 0, ret: 0, sil: 0, blur: 0, idle: 0, gap: 0, pend: 0, vid: 0, depth: 0 };
      Object.assign(found, { touched: false, silent: false, absent: false, start: last, sections: new Map(), spans: [], events: [] });
      Object.assign(found, { eventNo: 0, ranks: 0, frontFor: 0, flying: 0, fails: 0, slow: 1, sentAt: 0, sentState: -1, fresh: true });
      known.set(set.view, found);
    }
    found.root = root;
    found.proof = last;
    found.url = set.beacon || "/b";
    found.grace = number(set.grace, 5000);
    found.idleUnknown = number(set.idle, 60000);
    found.idleLeast = number(set.idleLeast, 30000);
    found.idleMost = number(set.idleMost, 180000);
    found.msPerWord = (1.5 * 60000) / number(set.wordsPerMinute, 200);
    found.journal = set.journal === "1";
    return found;
  }

  // Takes up the content root that is in the page now; a swapped root ends one view and starts another.
  function adopt() {
    const root = document.querySelector("[data-view]");
    if (!view || view.root !== root || view.credential !== root.dataset.view) {
      if (view) {
        send(view, true);
        view.later?.abort();
        for (const section of view.sections.values()) Object.assign(section, { on: false, element: null });
        screen.disconnect();
      }
      view = root ? viewOf(root) : null;
      shown = [];
    }
    if (view) scan();
    read();
  }

  function scan() {
    for (const section of view.sections.values()) {
      if (!section.element?.isConnected) Object.assign(section, { on: false, element: null });
    }
    for (const element of view.root.querySelectorAll("[data-section]")) {
      const key = element.dataset.section;
      let section = view.sections.get(key);
      if (section?.element || !WORD.test(key) || element.querySelector("[data-section]")) continue;
      if (!section) {
        if (view.sections.size >= MOST.sections) return;
        section = { attention: 0, pending: 0, seen: 0, first: 0, times: 0, passed: 0 };
        view.sections.set(key, section);
      }
      const box = element.getBoundingClientRect();
      section.element = element;
      section.words = number(element.dataset.words, 0);
      section.on = box.height > 0 && box.bottom > 0 && box.top < innerHeight;
      screen.observe(element);
    }
  }

  const screen = new IntersectionObserver(
    (entries) => {
      advance();
      for (const entry of entries) {
        const section = view?.sections.get(entry.target.dataset.section);
        if (section?.element !== entry.target) continue;
        const left = section.on && !entry.isIntersecting && entry.boundingClientRect.bottom <= 0;
        if (left && section.attention + section.pending < PASSING) section.passed = 1;
        section.on = entry.isIntersecting;
      }
      read();
    },
    { threshold: Array.from({ length: 21 }, (_, i) => i / 20) },
  );

  // Messages: full snapshots, each superseding the one before.

  function snapshot(of, n) {
    const whole = Math.round;
    const sections = [...of.sections].filter(([, s]) => s.attention >= 1 || s.seen >= 1 || s.passed);
    sections.sort(([, a], [, b]) => b.attention - a.attention);
    const events = of.events.slice();
    const body = {
      v: 1, c: of.credential, n, o: copy, t: whole(clock() - of.start), w: Date.now(),
      vis: whole(of.vis), eng: whole(of.eng), ret: whole(of.ret), sil: of.sil, blur: whole(of.blur), idle: whole(of.idle),
      gap: whole(of.gap), pend: whole(of.pend), vid: whole(of.vid), depth: of.depth, in: of.touched ? 1 : 0,
      spans: of.spans.flat().map((at) => whole(at - of.start)),
    };
    for (;;) {
      body.sec = Object.fromEntries(sections.map(([key, s]) => [key, [whole(s.attention), whole(s.seen), s.first, s.times, s.passed]]));
      body.ev = events;
      const text = JSON.stringify(body);
      if (text.length <= MOST.bytes || !(events.shift() || sections.pop())) return text;
    }
  }

  function send(of, leaving = false) {
    of.n += 1;
    of.body = snapshot(of, of.n);
    of.sentAt = clock();
    of.sentState = of.eng + of.pend;
    of.fresh = false;
    if (of.journal) store((kept) => kept.setItem(KEY + of.credential.slice(-16), of.body));
    post(of, of.body, leaving);
  }

  async function post(of, body, leaving) {
    of.flying += 1;
    let status = 0;
    try {
      const signal = AbortSignal.timeout?.(10000);
      status = (await fetch(of.url, { method: "POST", body, signal, credentials: "omit", keepalive: leaving || of.flying < 3 })).status;
    } catch {
      status = 0;
    }
    of.flying -= 1;
    if (status === 410) {
      revoked.add(of.credential);
      of.later?.abort();
      if (view === of) view = null;
      read();
    }
    if (status === 429) of.slow = Math.min(64, of.slow * 2);
    if (status >= 200 && status < 500 && status !== 429) {
      of.fails = 0;
      if (of.journal) forget(KEY + of.credential.slice(-16), body);
    } else if (of.body === body && of.fails < 8) {
      of.fails += 1;
      setTimeout(() => of.body === body && post(of, body, true), 500 * of.slow * 2 ** of.fails);
    }
  }

  // The browser itself sends this copy when the document is gone, even if its process crashed.
  function arm(of) {
    if (!window.fetchLater) return;
    of.later?.abort();
    of.later = new AbortController();
    try {
      window.fetchLater(of.url, { method: "POST", body: snapshot(of, of.n + 1), credentials: "omit", signal: of.later.signal });
    } catch {
      of.later = null;
    }
  }

  // The journal: the newest snapshot that nobody acknowledged waits for the next page. Only with consent.

  function store(use) {
    try {
      return use(localStorage);
    } catch {
      return null; // no storage, or full
    }
  }

  function forget(key, body) {
    store((kept) => kept.getItem(key) === body && kept.removeItem(key));
  }

  function flushJournal() {
    const keys = store((kept) => Object.keys(kept).filter((key) => key.startsWith(KEY))) || [];
    for (const key of keys) {
      const body = store((kept) => kept.getItem(key));
      if (!view.journal) forget(key, body);
      else {
        fetch(view.url, { method: "POST", body, credentials: "omit", keepalive: true }).then(
          ({ status }) => status < 500 && status !== 429 && forget(key, body),
          () => null,
        );
      }
    }
  }

  // Everything a page can tell.

  function listen() {
    const on = (target, types, react) => {
      for (const type of types) target.addEventListener(type, react, { capture: true, passive: true });
    };
    const turn = (event, proves = true) => {
      advance();
      if (proves) prove(Math.min(event.timeStamp || last, last));
      read();
    };
    let place = "";
    const input = (event) => {
      if (!event.isTrusted) return;
      if (event.type === "pointermove") {
        const here = `${event.screenX},${event.screenY}`; // layout moves under a still pointer fire this too
        if (here === place || clock() - lastInput < 100) return;
        place = here;
      }
      advance();
      lastInput = last;
      prove(Math.min(event.timeStamp, last));
      read();
      if (view && !view.touched) {
        view.touched = true;
        send(view);
      }
    };
    on(window, ["pointerdown", "pointermove", "keydown", "wheel", "touchstart", "touchmove"], input);
    on(window, ["scroll"], (event) => turn(event, event.target === document));
    on(window, ["focus", "blur"], (event) => event.target === window && turn(event));
    on(document, ["play", "playing"], (event) => {
      media.add(event.target);
      turn(event);
    });
    on(document, ["visibilitychange"], (event) => {
      turn(event);
      if (view && document.visibilityState === "hidden") send(view, true);
    });
    on(document, ["freeze"], (event) => {
      away = true;
      turn(event, false);
      if (view) send(view, true);
    });
    on(document, ["resume"], (event) => {
      away = false;
      turn(event, false);
    });
    on(window, ["pageshow"], (event) => {
      away = false;
      turn(event, event.persisted);
    });
    on(window, ["pagehide"], (event) => {
      away = true;
      turn(event);
      if (!view) return;
      view.n += 1;
      view.body = snapshot(view, view.n);
      if (view.journal) store((kept) => kept.setItem(KEY + view.credential.slice(-16), view.body));
      if (!navigator.sendBeacon?.(view.url, view.body)) post(view, view.body, true);
    });
    on(window, ["online"], () => view?.body && post(view, view.body, true));
    on(document, ["portal:event"], (event) => note(event.detail || {}));
    new MutationObserver(() => {
      advance();
      adopt();
    }).observe(document.documentElement, { childList: true, subtree: true, attributeFilter: ["data-view"] });
  }

  function note({ type, subject, value, version }) {
    const words = [type, subject || "page", value || null, version || null];
    if (!view || !words.every((word) => word === null || WORD.test(word))) return;
    view.events.push([++view.eventNo, ...words]);
    if (view.events.length > MOST.events) view.events.shift();
    view.fresh = true;
  }

  // A script that comes late recovers the past: what was visible since the first paint, or since a prerendered page was used.
  function begin(painted) {
    const start = Math.max(painted, performance.getEntriesByType("navigation")[0]?.activationStart || 0);
    listen();
    adopt();
    if (!view) return;
    const since = { start, proof: start };
    Object.assign(view, since);
    const now = clock();
    const seen = performance.getEntriesByType("visibility-state").map((entry) => [entry.startTime, entry.name === "visible"]);
    if (!seen.length) seen.push([0, document.visibilityState === "visible"]);
    shown = [];
    look();
    seen.forEach(([from, visible], place) => {
      last = Math.max(start, from);
      held = { counting: visible, focused: document.hasFocus() || coarse, watching: false };
      advance(Math.max(last, seen[place + 1]?.[0] ?? now), true);
    });
    held = { ...held, counting: false };
    read();
    flushJournal();
    send(view);
  }

  function whenPainted() {
    if (!document.querySelector("[data-view]")) return;
    const name = "first-contentful-paint";
    const painted = performance.getEntriesByName(name)[0];
    if (painted) begin(painted.startTime);
    else if (!PerformanceObserver.supportedEntryTypes?.includes("paint")) begin(clock());
    else {
      new PerformanceObserver((list, observer) => {
        const entry = list.getEntriesByName(name)[0];
        if (!entry) return;
        observer.disconnect();
        begin(entry.startTime);
      }).observe({ type: "paint", buffered: true });
    }
  }

  if (document.prerendering) document.addEventListener("prerenderingchange", whenPainted, { once: true });
  else whenPainted();
})();
