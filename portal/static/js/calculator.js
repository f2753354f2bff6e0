// Clinical calculators: walks the syntax tree of a checked definition, with the arithmetic of portal/calculators.
// What is typed stays in the variables of this file: no name, no form, no storage, no request. What leaves is
// the event "opened" or "completed" with the calculator, its version and, where the definition allows, the band.
(() => {
  "use strict";

  // ---- The engine: evaluate(definition, inputs) -> {ok, ...} or {ok: false, faults}. ----

  const HALF = 1e-9; // as in functions.py: a half lost to binary fractions still rounds up
  const TENS = [1, 10, 100, 1e3, 1e4, 1e5, 1e6];

  class Undefined extends Error {}

  // An object that inherits nothing: an input may be called "constructor".
  const bare = (...parts) => Object.assign(Object.create(null), ...parts);
  const finite = (value) => {
    if (!Number.isFinite(value)) throw new Undefined();
    return value;
  };
  const above = (value, floor, closed) => {
    if (value < floor || (!closed && value === floor)) throw new Undefined();
    return value;
  };
  const halfUp = (value, decimals) => {
    const scaled = value * TENS[decimals];
    if (Math.abs(scaled) >= 1e15) return value;
    return Math.floor(scaled + 0.5 + HALF * Math.max(1, Math.abs(scaled))) / TENS[decimals];
  };
  const power = (base, exponent) => {
    if (base === 0 && exponent < 0) throw new Undefined();
    if (base < 0 && !Number.isInteger(exponent)) throw new Undefined();
    return finite(base ** exponent);
  };
  const weighted = (weights, terms) => finite(terms.reduce((sum, term, place) => sum + weights[place] * term, 0));

  const PLAIN = {
    "+": (a, b) => finite(a + b),
    "-": (a, b) => finite(a - b),
    "*": (a, b) => finite(a * b),
    "/": (a, b) => {
      if (b === 0) throw new Undefined();
      return finite(a / b);
    },
    "^": power,
    "<": (a, b) => a < b,
    "<=": (a, b) => a <= b,
    ">": (a, b) => a > b,
    ">=": (a, b) => a >= b,
    "==": (a, b) => a === b,
    "!=": (a, b) => a !== b,
    not: (a) => !a,
    negative: (a) => -a,
    min: Math.min,
    max: Math.max,
    clamp: (value, low, high) => Math.min(Math.max(value, low), high),
    ln: (a) => Math.log(above(a, 0, false)),
    log10: (a) => Math.log10(above(a, 0, false)),
    exp: (a) => finite(Math.exp(a)),
    sqrt: (a) => Math.sqrt(above(a, 0, true)),
    abs: Math.abs,
    round: (value, decimals = 0) => halfUp(value, decimals),
    count: (...truths) => truths.filter(Boolean).length,
    list: (...numbers) => numbers,
    join: (separator, ...texts) => texts.join(separator),
  };

  const holds = (bounds, value) =>
    !(value < bounds.from || value <= bounds.above || value > bounds.up_to || value >= bounds.below);

  const pointsOf = (input, value) => {
    if (input.kind === "boolean") return value ? input.points : 0;
    if (Array.isArray(input.points)) return input.points.find((band) => holds(band, value))?.points ?? 0;
    return input.options.find((option) => option.value === value)?.points ?? 0;
  };

  function walk(node, scene) {
    if (typeof node === "string") return scene.values[node];
    if (!Array.isArray(node)) return node;
    const [name, ...args] = node;
    switch (name) {
      case "'":
        return args[0];
      case "if":
      case "case": {
        let place = 0;
        while (place < args.length - 1 && !walk(args[place], scene)) place += 2;
        return walk(args[Math.min(place + 1, args.length - 1)], scene);
      }
      case "and":
        return walk(args[0], scene) && walk(args[1], scene);
      case "or":
        return walk(args[0], scene) || walk(args[1], scene);
      case "as_unit":
        return walk(args[0], scene);
      case "points":
        return pointsOf(scene.inputs[args[0]], scene.values[args[0]]);
      case "given":
        return Object.hasOwn(scene.values, args[0]);
      case "given_in":
        return scene.units[args[0]] === walk(args[1], scene);
      case "value_or":
        return Object.hasOwn(scene.values, args[0]) ? scene.values[args[0]] : walk(args[1], scene);
      case "cell":
      case "weighted": {
        const table = scene.tables[args[0]];
        const row = table.rows[args.slice(2).map((key) => walk(key, scene)).join("_")];
        const what = walk(args[1], scene);
        return name === "cell" ? row[table.columns.indexOf(what)] : weighted(row, what);
      }
      default:
        return PLAIN[name](...args.map((arg) => walk(arg, scene)));
    }
  }

  const canonical = (unit, value) =>
    unit.times ? value * unit.times : unit.divide_by ? value / unit.divide_by : value;
  const inUnit = (unit, value) =>
    unit.times ? value / unit.times : unit.divide_by ? value * unit.divide_by : value;

  // Reads inputs named as in the definition; what is wrong goes to `faults` as [field, reason].
  function read(definition, raw) {
    const values = bare(), units = bare(), seen = bare(), faults = [], unusual = [];
    const flat = [];
    for (const [name, given] of Object.entries(raw)) {
      if (!definition.groups.includes(name)) flat.push([name.replaceAll(".", " "), given]);
      else if (given && typeof given === "object" && !Array.isArray(given)) {
        for (const [inner, value] of Object.entries(given)) flat.push([`${name}.${inner}`, value]);
      } else {
        faults.push([name, "not_a_group"]);
        seen[name] = true;
      }
    }
    const named = new Map();
    for (const input of definition.inputs) {
      const before = input.path.slice(0, input.path.length - input.name.length);
      named.set(input.path, [input, input.units?.[0]]);
      for (const unit of input.units ?? []) named.set(before + unit.name, [input, unit]);
    }
    for (const [name, given] of flat) {
      const [input, unit] = named.get(name) ?? [];
      if (!input) faults.push([name, "unknown"]);
      else if (seen[input.path]) faults.push([name, "given_twice"]);
      else {
        seen[input.path] = true;
        const fault = take(input, unit, given, { values, units, unusual });
        if (fault) faults.push([name, fault]);
      }
    }
    for (const input of definition.inputs) {
      if (!seen[input.path] && !input.optional && !seen[input.path.split(".")[0]]) faults.push([input.path, "missing"]);
    }
    return { values, units, faults, unusual };
  }

  function take(input, unit, given, { values, units, unusual }) {
    if (given === null || given === undefined) return input.optional ? "" : "missing";
    if (input.kind === "boolean") {
      if (typeof given !== "boolean") return "not_a_truth";
      values[input.path] = given;
      return "";
    }
    if (input.kind === "choice") {
      if (!input.options.some((option) => option.value === given)) return "not_a_choice";
      values[input.path] = given;
      return "";
    }
    if (typeof given !== "number" || !Number.isFinite(given)) return "not_a_number";
    const value = canonical(unit, given);
    if (!holds(input.allowed, value)) return "out_of_range";
    if (input.kind === "integer" && !Number.isInteger(value)) return "not_whole";
    values[input.path] = value;
    units[input.path] = unit.unit;
    if (input.plausible && !holds(input.plausible, value)) unusual.push(input.path);
    return "";
  }

  // `shownUnits` (path -> unit) overrides the unit a value counts as given in.
  function evaluate(definition, raw, shownUnits = {}) {
    const { values, units, faults, unusual } = read(definition, raw);
    if (faults.length) return { ok: false, faults, unusual };
    const scene = {
      values: bare(values),
      units: bare(units, shownUnits),
      inputs: bare(...definition.inputs.map((input) => ({ [input.path]: input }))),
      tables: definition.tables,
    };
    const refused = definition.refusals.filter((refusal) => walk(refusal.when, scene));
    if (refused.length) {
      const blamed = refused.flatMap((refusal) => refusal.fields.map((field) => [field, "impossible", refusal.say]));
      return { ok: false, faults: blamed, unusual };
    }
    try {
      for (const [name, node] of definition.steps) scene.values[name] = walk(node, scene);
      const outputs = [];
      for (const output of definition.outputs) {
        if (output.when === null || walk(output.when, scene)) outputs.push(settle(output, walk(output.is, scene)));
      }
      const notes = definition.notes.filter((note) => walk(note.when, scene));
      return { ok: true, outputs, notes, unusual, band: bandOf(definition.bands, outputs[0], scene.values) };
    } catch (error) {
      if (!(error instanceof Undefined)) throw error;
      return { ok: false, faults: [["", "undefined"]], unusual };
    }
  }

  function settle(output, unrounded) {
    if (output.decimals === null) return { output, value: unrounded, unrounded };
    let value = halfUp(unrounded, output.decimals);
    if (output.at_least !== null) value = Math.max(value, output.at_least);
    if (output.at_most !== null) value = Math.min(value, output.at_most);
    return { output, value, unrounded };
  }

  function bandOf(bands, first, values) {
    if (!bands) return null;
    const on = bands.on === "value" ? first.value : bands.on === "unrounded" ? first.unrounded : values[bands.on];
    return bands.each.find((band) => (typeof on === "string" ? band.equals === on : holds(band, on))) ?? null;
  }

  // ---- The page. ----

  const say = (words, key, parts = {}) => words[key].replace(/\{(\w+)\}/g, (_, name) => parts[name]);
  const fixed = (value, decimals) => value.toFixed(decimals).replace("-", "−");
  const joined = (...parts) => parts.filter(Boolean).join(" ");

  // "1,5" and "1.5" are one and a half; two separators are refused rather than guessed at.
  const NUMBER = /^[+-]?(\d+([.,]\d*)?|[.,]\d+)$/;
  const numberIn = (text) => {
    const trimmed = text.replaceAll("−", "-").trim();
    return NUMBER.test(trimmed) ? Number(trimmed.replace(",", ".")) : NaN;
  };

  function shown({ output, value }) {
    if (output.decimals === null) return [value.replaceAll("|", " · "), ""];
    const scale = output.shown_as;
    return scale ? [fixed(value * scale.times, scale.decimals), scale.shown] : [fixed(value, output.decimals), output.shown];
  }

  class Page {
    constructor(root) {
      this.root = root;
      this.definition = JSON.parse(root.dataset.definition);
      this.words = this.definition.words;
      this.opened = false;
      this.told = null;
      this.timer = 0;
      this.fields = this.definition.inputs.map((input) => this.field(input));
      this.find("[data-copy-result]").addEventListener("click", () => this.copy());
      this.find("[data-print-result]").addEventListener("click", () => window.print());
      this.find("[data-reset]").addEventListener("click", () => this.reset());
      this.find("[data-work]").hidden = false;
      addEventListener("pagehide", () => this.settled());
      document.addEventListener("visibilitychange", () => document.hidden && this.settled());
      this.show();
      if ("shown" in root.dataset) this.open();
    }

    find(selector) {
      return this.root.querySelector(selector);
    }

    field(input) {
      const place = this.find(`[data-field="${CSS.escape(input.path)}"]`);
      const before = input.path.slice(0, input.path.length - input.name.length);
      const names = [input.path, ...(input.units ?? []).map((unit) => before + unit.name)];
      const field = { input, place, names, unit: 0, typed: "", typedUnit: 0, choice: null, visited: false };
      const entry = place.querySelector("input");
      if (!entry) return this.question(field);
      field.entry = entry;
      field.say = place.querySelector("[data-say]");
      entry.addEventListener("input", () => {
        field.typed = entry.value;
        field.typedUnit = field.unit;
        this.touched();
      });
      entry.addEventListener("blur", () => {
        field.visited = field.typed !== "";
        this.show();
      });
      field.button = place.querySelector("[data-unit]");
      field.button?.addEventListener("click", () => this.turnUnit(field));
      if (field.button) this.nameUnit(field);
      return field;
    }

    question(field) {
      field.options = [...field.place.querySelectorAll("[data-option]")];
      const pick = (button, focus) => {
        field.choice = button;
        for (const option of field.options) {
          option.setAttribute("aria-checked", String(option === button));
          option.tabIndex = option === button ? 0 : -1;
        }
        if (focus) button.focus();
        this.touched();
      };
      for (const button of field.options) button.addEventListener("click", () => pick(button, false));
      field.place.addEventListener("keydown", (event) => {
        const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
        const here = field.options.indexOf(event.target);
        if (!step || here < 0) return;
        event.preventDefault();
        pick(field.options.at((here + step) % field.options.length), true);
      });
      return field;
    }

    nameUnit(field) {
      const units = field.input.units;
      const [now, next] = [units[field.unit], units[(field.unit + 1) % units.length]];
      field.button.querySelector("[data-unit-shown]").textContent = now.shown;
      const parts = { label: field.input.label, unit: now.shown, next: next.shown };
      field.button.setAttribute("aria-label", say(this.words, "change_unit", parts));
    }

    // The number changes with the unit, and going back brings back exactly what was typed.
    turnUnit(field) {
      const units = field.input.units;
      field.unit = (field.unit + 1) % units.length;
      const typed = numberIn(field.typed);
      if (Number.isFinite(typed)) {
        const value = inUnit(units[field.unit], canonical(units[field.typedUnit], typed));
        field.entry.value = field.unit === field.typedUnit ? field.typed : String(Number(value.toPrecision(4)));
      } else {
        field.typedUnit = field.unit;
      }
      this.nameUnit(field);
      this.touched();
    }

    touched() {
      this.open();
      this.show();
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.settled(), 900);
    }

    // Field values under the names of the definition, and the units shown.
    gather() {
      const raw = bare(), units = bare();
      for (const field of this.fields) {
        const { path, name, kind } = field.input;
        const target = path === name ? raw : (raw[path.slice(0, -name.length - 1)] ??= bare());
        if (field.options) {
          const picked = field.choice?.dataset.option;
          if (picked !== undefined) target[name] = kind === "choice" ? picked : JSON.parse(picked);
        } else if (field.typed.trim() !== "") {
          target[field.input.units[field.typedUnit].name] = numberIn(field.typed);
          units[path] = field.input.units[field.unit].unit;
        }
      }
      for (const group of this.definition.groups) raw[group] ??= bare();
      return { raw, units };
    }

    show() {
      const { raw, units } = this.gather();
      const result = evaluate(this.definition, raw, units);
      // A number still being typed is not wrong: "1" on the way to "18" counts as not there yet.
      const faults = result.ok ? [] : result.faults.map(([name, reason, text]) => {
        const field = this.fields.find(({ names }) => names.includes(name));
        const early = field?.entry && field.entry === document.activeElement && !field.visited;
        return { field, text, reason: early && reason === "out_of_range" ? "missing" : reason };
      });
      this.result = result.ok ? result : null;
      this.needed = result.ok ? "" : this.wanting(faults);
      for (const field of this.fields) if (field.entry) this.mark(field, faults, result.unusual);
      this.paint(result);
    }

    wanting(faults) {
      const n = faults.filter(({ reason }) => reason === "missing").length;
      if (n) return n === 1 ? this.words.needed_one : say(this.words, "needed", { n });
      const alone = faults.find(({ field }) => !field?.entry);
      return alone ? alone.text ?? this.words.no_result : this.words.mend;
    }

    mark(field, faults, unusual) {
      const { range, usual } = field.input.units[field.unit];
      const fault = faults.find((item) => item.field === field && item.reason !== "missing");
      const typed = field.typed.trim();
      let text = "", tone = "";
      if (fault) {
        const key = { not_a_number: "number", not_whole: "whole" }[fault.reason] ?? "range";
        text = fault.text ?? say(this.words, key, { range });
        tone = "wrong";
      } else if (unusual.includes(field.input.path)) {
        text = say(this.words, "unusual", { range: usual });
        tone = "unusual";
      } else if (/^\d{1,3}[.,]\d{3}$/.test(typed)) {
        // A thousand somewhere, a little more than one elsewhere: what it was taken for stands there.
        const value = joined(typed.replace(",", "."), field.input.units[field.typedUnit].shown);
        text = say(this.words, "read_as", { value });
        tone = "unusual";
      } else if (field.unit !== field.typedUnit && typed) {
        text = say(this.words, "converted", { value: joined(typed, field.input.units[field.typedUnit].shown) });
      }
      if (field.say.textContent !== text) field.say.textContent = text;
      field.place.dataset.tone = tone;
      field.entry.setAttribute("aria-invalid", String(tone === "wrong"));
    }

    paint(result) {
      const needed = this.find("[data-needed]");
      needed.textContent = this.needed;
      needed.hidden = result.ok;
      this.find("[data-results]").hidden = !result.ok;
      this.find("[data-copy-result]").disabled = !result.ok;
      this.find("[data-copied]").hidden = true;
      this.find("[data-copied]").value = "";
      const band = result.ok ? result.band : null;
      this.line("[data-band]", band?.label ?? "");
      this.line("[data-meaning]", band?.meaning ?? "");
      for (const row of this.root.querySelectorAll("[data-band-row]")) {
        if (band?.id === row.dataset.bandRow) row.setAttribute("aria-current", "true");
        else row.removeAttribute("aria-current");
      }
      const list = this.find("[data-notes]");
      list.replaceChildren(...this.remarks(result).map((text) => {
        const item = document.createElement("li");
        item.textContent = text;
        return item;
      }));
      list.hidden = !list.children.length;
      this.definition.outputs.forEach((output, place) => {
        const row = this.root.querySelectorAll("[data-output]")[place];
        const found = result.ok && result.outputs.find((item) => item.output === output);
        row.hidden = !found;
        if (!found) return;
        const [value, unit] = shown(found);
        row.querySelector("[data-value]").textContent = value;
        const also = output.also.map((item) => `(${joined(fixed(found.value * item.times, item.decimals), item.shown)})`);
        row.querySelector("[data-unit-text]").textContent = joined(unit, ...also);
      });
    }

    line(selector, text) {
      const place = this.find(selector);
      place.textContent = text;
      place.hidden = !text;
    }

    remarks(result) {
      if (!result.ok) return [];
      const texts = result.notes.map((note) => note.say);
      const { output, value, unrounded } = result.outputs[0];
      const bands = this.definition.bands;
      if (bands?.on === "unrounded" && result.band && !holds(result.band, value)) {
        texts.unshift(say(this.words, "unrounded", { value: fixed(unrounded, output.decimals + 2) }));
      }
      return texts;
    }

    // After a pause in typing: what is there is announced once, and counted.
    settled() {
      clearTimeout(this.timer);
      if (!this.opened) return;
      const text = this.result ? this.sentence() : this.needed;
      const status = this.find("[data-status]");
      if (status.textContent !== text) status.textContent = text;
      if (!this.result) return;
      const { bands } = this.definition;
      const band = bands?.recordable && this.result.band ? this.result.band.id.toLowerCase() : "";
      if (band === this.told) return;
      this.told = band;
      this.tell("calculator.completed", band);
    }

    sentence() {
      const parts = this.result.outputs.map((item) => `${item.output.label} ${joined(...shown(item))}`);
      const { band } = this.result;
      return [parts.join("; "), band?.label, band?.meaning, ...this.remarks(this.result)].filter(Boolean).join(". ").replaceAll("..", ".");
    }

    open() {
      if (this.opened) return;
      this.opened = true;
      this.tell("calculator.opened", "");
    }

    tell(type, value) {
      const { name, version } = this.definition;
      document.dispatchEvent(new CustomEvent("portal:event", { detail: { type, subject: name, value, version } }));
    }

    entered() {
      return this.fields.flatMap((field) => {
        const group = field.place.closest(".calc-group")?.querySelector("legend")?.textContent;
        const label = joined(group && `${group},`, field.input.label);
        if (field.options) {
          const text = field.choice?.firstElementChild.textContent;
          return text ? [`${label}: ${text}`] : [];
        }
        const unit = field.input.units[field.unit].shown;
        return field.typed.trim() ? [`${label}: ${joined(field.entry.value.trim(), unit)}`] : [];
      });
    }

    asText() {
      const { title, version, date, code, references } = this.definition;
      return [title, this.sentence(), "", ...this.entered(), "", say(this.words, "version", { version, date, code }), ...references].join("\n");
    }

    async copy() {
      if (!this.result) return;
      const text = this.asText();
      const status = this.find("[data-status]");
      try {
        await navigator.clipboard.writeText(text);
        status.textContent = this.words.copied;
        const button = this.find("[data-copy-result]");
        const label = button.textContent;
        if (label !== this.words.copied) {
          button.textContent = this.words.copied;
          setTimeout(() => { button.textContent = label; }, 2000);
        }
      } catch {
        const area = this.find("[data-copied]");
        area.value = text;
        area.hidden = false;
        area.focus();
        area.select();
        status.textContent = this.words.not_copied;
      }
    }

    reset() {
      for (const field of this.fields) {
        Object.assign(field, { typed: "", unit: 0, typedUnit: 0, choice: null, visited: false });
        if (field.entry) field.entry.value = "";
        if (field.button) this.nameUnit(field);
        field.options?.forEach((option, place) => {
          option.setAttribute("aria-checked", "false");
          option.tabIndex = place ? -1 : 0;
        });
      }
      clearTimeout(this.timer);
      this.show();
      this.find("[data-status]").textContent = this.words.was_reset;
      const first = this.fields[0];
      (first.entry ?? first.options[0]).focus();
    }
  }

  const start = () => {
    for (const root of document.querySelectorAll("[data-calculator]:not([data-runs])")) {
      root.dataset.runs = "";
      new Page(root);
    }
  };
  // Once every deferred script has run, so that whoever listens for events is there.
  if (document.readyState === "complete") start();
  else document.addEventListener("DOMContentLoaded", start);
  document.addEventListener("htmx:after:swap", start);

  globalThis.portalCalculators = Object.freeze({ evaluate });
})();
