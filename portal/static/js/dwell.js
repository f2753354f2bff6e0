// How long [data-view] and its sections are read: docs/measuring.md
(() => {
  "use strict";
  const TICK = 250;
  const SLEEP = 2000; // a longer slice is sleep
  const BUSY = 10000;
  const AFTER_BLUR = 5000;
  const READ = 1000;
  const KEY = "dwell:";
  const COUNTERS = ["vis", "eng", "ret", "sil", "blur", "idle", "gap", "pend", "vid", "depth", "in"];

  const { max, min, round } = Math;
  const clock = () => performance.now();
  const navigation = performance.getEntriesByType("navigation")[0] || {};
  const copy = navigation.type === "back_forward" ? round(performance.timeOrigin) : 0;
  const coarse = matchMedia("(hover: none) and (pointer: coarse)").matches;

  const known = new Map();
  const media = new Set();
  const tasks = [];
  const early = [];
  let view = null;
  let shown = []; // largest first
  let height = 0;
  let held = {}; // state since last
  let last = 0;
  let away, hadFocus;
  let lastInput = -Infinity;
  let ticking = 0;

  // Credits the slice that ends now.
  function advance(at = clock(), past = false) {
    let span = at - last;
    const from = last;
    last = at;
    if (!view || !held.counting || span <= 0) return;
    if (span > SLEEP && !past && span - busy(from, at) > SLEEP) {
      const lost = span - TICK;
      for (const name of ["gap", "proof", "openSince"]) view[name] += lost;
      lastInput += lost;
      span = TICK;
    }
    const start = at - span;
    view.vis += span;
    for (const section of shown) if (section.half) section.seen += span;
    const attended = held.focused ? span : max(0, min(span, lastInput + AFTER_BLUR - start));
    view.blur += span - attended;
    if (attended) attend(start, attended);
    if (held.watching) {
      view.vid += span;
      prove(at);
    }
  }

  function attend(from, span) {
    const sure = max(0, min(span, view.proof + view.grace - from));
    const open = span - sure;
    if (sure) engage(from, from + sure, sure, "attention");
    if (!open) return;
    if (!view.silent) {
      view.silent = true;
      view.sil += 1;
      view.openSince = from + sure;
    }
    if (!view.absent && from + span - view.proof <= idleLimit()) {
      view.pend += open;
      share(open, "open");
    } else {
      view.absent = true;
      view.idle += view.pend + open;
      decide(0);
    }
  }

  // Somebody is there: what was open was reading.
  function prove(at) {
    if (!view) return;
    if (view.pend) {
      view.ret += view.pend;
      engage(view.openSince, last, view.pend);
      decide(1);
    }
    view.silent = view.absent = false;
    view.proof = max(view.proof, min(at, last));
  }

  function decide(reading) {
    view.pend = 0;
    for (const section of view.sections.values()) {
      section.attention += section.open * reading;
      section.open = 0;
    }
  }

  function engage(from, to, span, field) {
    const newest = view.spans.at(-1);
    view.eng += span;
    if (newest && from < newest[1] + 1) newest[1] = to;
    else view.spans.push([from, to]);
    if (field) share(span, field);
  }

  function share(span, field) {
    const [front] = shown;
    for (const section of shown) section[field] += (span * section.height) / (height || 1);
    view.frontFor = front === view.front ? view.frontFor + span : span;
    view.front = front;
    if (front?.height && view.frontFor >= READ && view.reading !== front) {
      view.reading = front;
      front.times += 1;
      front.first ||= ++view.ranks;
    }
  }

  function idleLimit() {
    let words = 0;
    for (const section of shown) words += section.words * section.part;
    return words ? max(view.idleLeast, min(view.idleMost, words * view.msPerWord)) : view.idle0;
  }

  const watcher = new PerformanceObserver((list) => tasks.push(...list.getEntries()));
  watcher.observe({ type: "longtask", buffered: true });

  function busy(from, to) {
    let covered = 0;
    for (const { startTime, duration } of tasks.splice(0).concat(watcher.takeRecords())) {
      if (duration < BUSY) covered += max(0, min(to, startTime + duration) - max(from, startTime));
    }
    return covered;
  }

  function read() {
    const focus = document.hasFocus();
    hadFocus ||= focus;
    const counting = !!view && !away && document.visibilityState === "visible";
    const focused = focus || (coarse && !hadFocus);
    if (counting && held.counting && focused !== held.focused) prove(last);
    if (held.focused && !focused) lastInput = -Infinity;
    if (counting && !held.counting) lastInput = last - AFTER_BLUR + 150; // focus follows
    if (counting) look();
    held = { counting, focused, watching: counting && [...media].some(isPlaying) };
    if (counting) ticking ||= setInterval(tick, TICK);
    else ticking = clearInterval(ticking) || 0;
  }

  function look() {
    const { offsetTop, height: tall } = visualViewport; // smaller when zoomed
    const end = offsetTop + tall;
    shown = [...view.sections.values()].filter((section) => section.on);
    height = 0;
    for (const section of shown) {
      const box = section.element.getBoundingClientRect();
      height += section.height = max(0, min(box.bottom, end) - max(box.top, offsetTop));
      section.at = last;
      section.part = section.height / (box.height || 1);
      section.half = section.part >= 0.5 || section.height >= tall / 2;
    }
    shown.sort((a, b) => b.height - a.height);
    const box = view.root.getBoundingClientRect();
    if (box.height) view.depth = max(view.depth, min(100, (100 * (end - box.top)) / box.height));
  }

  function onScreen(element) {
    const { top, bottom, height } = element.getBoundingClientRect();
    return height > 0 && bottom > 0 && top < innerHeight;
  }

  function isPlaying(item) {
    return !item.paused && !item.ended && item.readyState > 2 && onScreen(item);
  }

  function tick() {
    advance();
    read();
    if (!view) return;
    const pace = (view.vis < 60000 ? 1000 : view.vis < 300000 ? 2000 : 5000) * view.slow;
    const changed = view.eng + view.pend !== view.sent;
    if (view.fresh || (changed && last - view.sentAt >= pace - TICK / 2 && view.flying < 4)) send(view);
    else if (changed) arm(view);
  }

  function adopt() {
    const root = document.querySelector("[data-view]");
    const credential = root?.dataset.view;
    if (view && (view.root !== root || view.credential !== credential)) {
      send(view, true);
      view.later?.abort();
      for (const section of view.sections.values()) section.element = null;
      screen.disconnect();
      view = null;
      shown = [];
    }
    if (!view && credential) begin(root, root.dataset);
    if (view) scan();
    read();
  }

  function begin(root, set) {
    view = known.get(set.view);
    if (!view) {
      view = { credential: set.view, n: 0, sections: new Map(), spans: [], events: early.splice(0), start: last, fresh: true };
      for (const name of [...COUNTERS, "ranks", "frontFor", "flying", "fails", "sentAt"]) view[name] = 0;
      known.set(set.view, view);
    }
    Object.assign(view, { root, proof: last, slow: 1, url: set.beacon || "/b", journal: set.journal === "1" });
    view.grace = +set.grace || 5000;
    view.idle0 = +set.idle || 60000;
    view.idleLeast = +set.idleLeast || 30000;
    view.idleMost = +set.idleMost || 180000;
    view.msPerWord = 90000 / (+set.wordsPerMinute || 200);
    if (view.revoked) view = null;
  }

  function scan() {
    for (const section of view.sections.values()) if (!section.element?.isConnected) section.element = section.on = null;
    for (const element of view.root.querySelectorAll("[data-section]")) {
      const { section: key, words } = element.dataset;
      let section = view.sections.get(key);
      if (section?.element || element.querySelector("[data-section]")) continue;
      if (!section) {
        if (view.sections.size > 63) return;
        section = { attention: 0, open: 0, seen: 0, first: 0, times: 0, passed: 0 };
        view.sections.set(key, section);
      }
      Object.assign(section, { element, words: +words || 0, on: onScreen(element) });
      screen.observe(element);
    }
  }

  const threshold = Array.from({ length: 21 }, (_, i) => i / 20);
  const screen = new IntersectionObserver((changes) => {
    advance();
    for (const { target, isIntersecting, boundingClientRect: box } of changes) {
      const section = view?.sections.get(target.dataset.section);
      if (section?.element !== target) continue;
      if (section.on && !isIntersecting && box.bottom <= 0 && section.attention + section.open < READ) section.passed = 1;
      section.on = isIntersecting;
    }
    read();
  }, { threshold });

  function snapshot(of, n) {
    const sections = [...of.sections].filter(([, s]) => s.attention >= 1 || s.seen >= 1 || s.passed);
    sections.sort(([, a], [, b]) => b.at - a.at);
    const body = { v: 1, c: of.credential, n, o: copy, t: round(clock() - of.start), w: Date.now(), ev: of.events.slice(-48) };
    for (const name of COUNTERS) body[name] = round(of[name]);
    body.spans = of.spans.slice(-32).flat().map((at) => max(0, round(at - of.start)));
    for (;;) {
      body.sec = {};
      for (const [key, s] of sections) body.sec[key] = [round(s.attention), round(s.seen), s.first, s.times, s.passed];
      const text = JSON.stringify(body);
      if (text.length < 4097 || !(body.spans.splice(0, 2).length || body.ev.shift() || sections.pop())) return text;
    }
  }

  function send(of, leaving, beacon) {
    const body = snapshot(of, ++of.n);
    Object.assign(of, { body, sentAt: clock(), sent: of.eng + of.pend, fresh: false });
    keep(of, body);
    if (!beacon || !navigator.sendBeacon?.(of.url, body)) post(of, body, leaving);
  }

  async function post(of, body, leaving) {
    const keepalive = ++of.flying < 3 || leaving;
    let status = 0;
    try {
      ({ status } = await fetch(of.url, message(body, { signal: AbortSignal.timeout(10000), keepalive })));
    } catch {}
    of.flying -= 1;
    if (status === 429) of.slow = min(64, of.slow * 2);
    if (isFinal(status)) {
      of.fails = 0;
      forget(keyOf(of), body);
    } else if (of.body === body && of.fails < 8) {
      setTimeout(() => of.body === body && post(of, body, true), 500 * of.slow * 2 ** ++of.fails);
    }
    if (status === 410) {
      of.revoked = true;
      of.later?.abort();
      forget(keyOf(of));
      if (view === of) view = null;
      read();
    }
  }

  const message = (body, more) => ({ method: "POST", credentials: "omit", body, ...more });
  const isFinal = (status) => status >= 200 && status < 500 && status !== 429;

  // Sent even if the page crashes.
  function arm(of) {
    const body = snapshot(of, of.n + 1);
    if (of.fails) keep(of, body);
    of.later?.abort();
    of.later = new AbortController();
    try {
      fetchLater(of.url, message(body, { signal: of.later.signal }));
    } catch {}
  }

  // With consent, what nobody answered waits for the next page.
  const keyOf = (of) => KEY + of.credential.slice(-16);
  const keep = (of, body) => of.journal && store((kept) => kept.setItem(keyOf(of), body));

  function store(use) {
    try {
      return use(localStorage);
    } catch {}
  }

  function forget(key, body) {
    store((kept) => (!body || kept.getItem(key) === body) && kept.removeItem(key));
  }

  function flushJournal({ journal, url }) {
    for (const key of store((kept) => Object.keys(kept)) || []) {
      if (!key.startsWith(KEY)) continue;
      const body = store((kept) => kept.getItem(key));
      if (!journal) forget(key);
      else fetch(url, message(body)).then(({ status }) => isFinal(status) && forget(key, body), () => {});
    }
  }

  // Recovers the past since first paint or activation.
  function start(painted) {
    const since = max(painted, navigation.activationStart || 0);
    const seen = performance.getEntriesByType("visibility-state");
    if (!seen.length) seen.push({ startTime: 0, name: document.visibilityState });
    new MutationObserver(() => {
      advance();
      adopt();
    }).observe(document.documentElement, { childList: true, subtree: true, attributeFilter: ["data-view"] });
    adopt();
    if (!view) return;
    const now = clock();
    view.start = view.proof = since;
    look();
    seen.forEach(({ startTime, name }, i) => {
      last = max(since, startTime);
      held = { counting: name === "visible", focused: document.hasFocus() || coarse };
      advance(max(last, seen[i + 1]?.startTime ?? now), true);
    });
    held = {};
    read();
    flushJournal(view);
    send(view);
  }

  function whenPainted() {
    if (!document.querySelector("[data-view]")) return;
    new PerformanceObserver((list, observer) => {
      for (const { startTime } of list.getEntriesByName("first-contentful-paint")) {
        observer.disconnect();
        start(startTime);
      }
    }).observe({ type: "paint", buffered: true });
  }

  function on(types, react) {
    for (const type of types.split(" ")) addEventListener(type, react, true);
  }

  function turn(event, proves = true) {
    advance();
    if (proves) prove(event.timeStamp);
    read();
  }

  on("pointerdown pointermove keydown wheel touchstart touchmove", (event) => {
    if (!event.isTrusted || (event.type === "pointermove" && clock() - lastInput < 100)) return;
    turn(event);
    lastInput = last;
    if (!view || view.in) return;
    view.in = 1;
    send(view);
  });
  on("scroll", (event) => turn(event, event.target === document));
  on("focus blur", (event) => event.target === window && turn(event));
  on("visibilitychange freeze pagehide", (event) => {
    away = event.type !== "visibilitychange";
    turn(event, event.type !== "freeze");
    if (view && (away || document.visibilityState === "hidden")) send(view, true, event.type === "pagehide");
  });
  on("resume pageshow", (event) => {
    away = false;
    turn(event, event.persisted);
  });
  on("online", () => view?.body && post(view, view.body, true));
  on("play playing pause", (event) => {
    media.add(event.target);
    turn(event, false);
  });
  on("portal:event", ({ detail: { type, subject, value, version } }) => {
    const list = view?.events || early;
    list.push([list.length + 1, type, subject || "page", value || null, version || null]);
    if (view) view.fresh = true;
  });

  if (document.prerendering) document.addEventListener("prerenderingchange", whenPainted);
  else whenPainted();
})();
