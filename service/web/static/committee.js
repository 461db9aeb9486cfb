"use strict";
// What the workbench gains with JavaScript: mistakes as one types, line numbers, progress in the page, a draft that the tab
// keeps. Without it every button still works: the server does the same, a page at a time.
(() => {
  const html = document.documentElement;
  html.classList.add("js");
  const byId = (id) => document.getElementById(id);
  const form = byId("draft");
  if (!form) return;
  const text = byId("text");
  const rule = byId("rule");
  const { tab, digest } = document.body.dataset;
  const lang = html.lang;
  const t = (fr, en) => (lang === "en" ? en : fr);
  const file = form.elements.file.value;
  const used = byId("used").content.textContent;
  const KEPT = `indication.committee.${file}`;
  text.readOnly = false;

  const say = (words) => {
    const box = byId("say");
    if (words && box.textContent !== words) box.textContent = words;
  };

  // ---- the draft stays in this tab ----

  let downloaded = null;
  let leaving = false;
  const changed = () => text.value !== used;
  const keep = () => {
    try {
      if (changed() || form.elements.job.value) {
        sessionStorage.setItem(KEPT, JSON.stringify({ text: text.value, digest, job: form.elements.job.value }));
      } else sessionStorage.removeItem(KEPT);
    } catch {
      // Private windows may refuse: leaving the page still warns.
    }
  };
  const kept = () => {
    try {
      return JSON.parse(sessionStorage.getItem(KEPT) || "null");
    } catch {
      return null;
    }
  };
  const restore = () => {
    const before = kept();
    if (!before) return;
    form.elements.job.value = before.job || "";
    if (before.text === used) return;
    text.value = before.text;
    const box = byId("restored");
    box.textContent = before.digest === digest
      ? t("Le brouillon de cet onglet a été repris.", "The draft of this tab was taken up again.")
      : t("Le brouillon de cet onglet a été repris. Les règles en service ont changé depuis : relire les différences.",
        "The draft of this tab was taken up again. The rules in use have changed since: read the differences again.");
    box.hidden = false;
  };

  window.addEventListener("beforeunload", (event) => {
    if (leaving || !changed() || text.value === downloaded) return;
    event.preventDefault();
  });
  // Within this service the tab keeps the draft: no need to warn.
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href]");
    if (link && link.target !== "_blank" && link.origin === location.origin && !event.defaultPrevented) leaving = true;
  });
  form.addEventListener("submit", (event) => {
    keep();
    leaving = true;
    const what = event.submitter?.value;
    if (what === "download") downloaded = text.value;
    // A download leaves the page where it is.
    if (what === "download" || what === "diff") setTimeout(() => { leaving = false; }, 1500);
  });
  byId("back").addEventListener("click", (event) => {
    const sure = t("Abandonner le brouillon et revenir au texte en service ?", "Give up the draft and go back to the text in use?");
    if (changed() && !window.confirm(sure)) return event.preventDefault();
    leaving = true;
    sessionStorage.removeItem(KEPT);
  });

  // ---- line numbers and marks ----

  const gutter = document.querySelector(".c-gutter > div");
  const marks = document.querySelector(".c-marks");
  const lineHeight = () => parseFloat(getComputedStyle(text).lineHeight);
  let wrong = new Set();
  let other = new Set();
  const own = () => {
    // From the rule's first line to the one before what follows it.
    if (!rule || !rule.value) return [0, -1];
    const lines = text.value.split("\n");
    const id = rule.value.replace(/[.]/g, "\\.");
    const first = lines.findIndex((line) => new RegExp(`^\\s*-\\s+id:\\s*["']?${id}["']?\\s*(#.*)?$`).test(line));
    if (first < 0) return [0, -1];
    const indent = lines[first].search(/\S/);
    let last = first;
    for (let at = first + 1; at < lines.length; at += 1) {
      const begins = lines[at].search(/\S/);
      if (begins >= 0 && begins <= indent) break;
      if (begins >= 0) last = at;
    }
    return [first + 1, last + 1];
  };
  const band = (from, to, kind) => {
    const each = document.createElement("div");
    each.className = kind;
    each.style.top = `${(from - 1) * lineHeight()}px`;
    each.style.height = `${(to - from + 1) * lineHeight()}px`;
    return each;
  };
  const scroll = () => {
    gutter.style.transform = marks.style.transform = `translateY(${-text.scrollTop}px)`;
  };
  const draw = () => {
    const count = text.value.split("\n").length;
    if (gutter.childElementCount !== count) {
      gutter.replaceChildren(...Array.from({ length: count }, (_, at) => {
        const number = document.createElement("span");
        number.textContent = at + 1;
        return number;
      }));
    }
    [...gutter.children].forEach((each, at) => {
      each.className = wrong.has(at + 1) ? "c-wrong" : other.has(at + 1) ? "c-changed" : "";
    });
    const [from, to] = own();
    marks.replaceChildren(
      ...(to >= from ? [band(from, to, "c-own")] : []),
      ...[...other].filter((line) => !wrong.has(line)).map((line) => band(line, line, "c-changed")),
      ...[...wrong].map((line) => band(line, line, "c-wrong")),
    );
    scroll();
  };
  text.addEventListener("scroll", scroll);
  new ResizeObserver(draw).observe(text);

  const goto = (line, column = 1, length = 0, focus = true) => {
    const lines = text.value.split("\n");
    const start = lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0) + column - 1;
    if (focus) text.focus({ preventScroll: true });
    text.setSelectionRange(start, start + length);
    text.scrollTop = Math.max(0, (line - 4) * lineHeight());
    text.scrollLeft = Math.max(0, (column - 40) * 8);
    if (focus) text.scrollIntoView({ block: "nearest" });
  };
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a.goto");
    if (!link) return;
    event.preventDefault();
    const { line, column, length } = link.dataset;
    goto(Number(line), Number(column), Number(length));
  });

  // ---- mistakes as one types ----

  const lines = (value) => new Set(value ? value.split(",").map(Number) : []);
  const note = (announce) => {
    const state = byId("state");
    wrong = lines(state.dataset.wrong);
    other = lines(state.dataset.changed);
    text.setAttribute("aria-invalid", String(wrong.size > 0));
    if (announce) say(state.querySelector(".c-say")?.textContent);
    draw();
  };
  const swap = (id, page) => {
    const fresh = page.getElementById(id);
    const old = byId(id);
    if (!fresh) return;
    const open = [...old.querySelectorAll("details")].map((each) => each.open);
    const same = fresh.querySelectorAll("details");
    if (same.length === open.length) same.forEach((each, at) => { each.open = open[at]; });
    const active = old.contains(document.activeElement) ? [...old.querySelectorAll("a, summary")].indexOf(document.activeElement) : -1;
    old.replaceWith(fresh);
    if (active >= 0) fresh.querySelectorAll("a, summary")[active]?.focus();
  };
  let asked = null;
  const check = async (announce = true) => {
    asked?.abort();
    const mine = asked = new AbortController();
    try {
      const answer = await fetch(`/committee/typed?lang=${lang}`, { method: "POST", body: new FormData(form), signal: mine.signal });
      if (!answer.ok) throw new Error(String(answer.status));
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (mine.signal.aborted) return;
      swap("reading", page);
      swap("state", page);
      note(announce);
    } catch (error) {
      if (error.name === "AbortError") return;
      const summary = byId("state").querySelector(".c-summary");
      summary.className = "c-summary c-bad";
      summary.textContent = error.message === "413"
        ? t("Ce texte est trop long pour un fichier de règles.", "This text is too long for a rule file.")
        : t("Le service ne répond pas : le texte est conservé dans l’onglet, et sera relu à la prochaine frappe.",
          "No answer from the service: the text is kept in the tab, and is read again at the next key.");
      say(summary.textContent);
    }
  };
  let soon = 0;
  text.addEventListener("input", () => {
    keep();
    draw();
    stale();
    clearTimeout(soon);
    soon = setTimeout(check, 600);
  });
  rule?.addEventListener("change", () => {
    document.querySelector("h1 code")?.replaceChildren(rule.value);
    address();
    const [line] = own();
    if (line) goto(line, 1, 0, false);
    draw();
    check();
  });

  // ---- computations ----

  const panel = byId("job");
  const buttons = document.querySelectorAll(".c-run");
  const waiting = byId("waiting");
  let ran = null;
  const stale = () => {
    const mark = panel.querySelector(".c-stale");
    if (mark) mark.hidden = ran === null || ran === text.value;
  };
  const busy = (yes) => {
    for (const each of buttons) each.setAttribute("aria-disabled", String(yes));
  };
  const show = (page) => {
    const fresh = page.querySelector(".c-job");
    const old = panel.querySelector(".c-job");
    panel.hidden = false;
    if (old && old.dataset.job === fresh.dataset.job && old.dataset.how === "running" && fresh.dataset.how === "running") {
      // Only what has moved: whoever stands on the button stays there.
      for (const part of [".c-label-line", ".c-time"]) old.querySelector(part).textContent = fresh.querySelector(part).textContent;
      old.querySelector("progress").replaceWith(fresh.querySelector("progress"));
      return;
    }
    const inside = old?.contains(document.activeElement);
    panel.replaceChildren(fresh);
    if (inside) byId("job-title").focus();
    stale();
  };
  const pause = (milliseconds) => new Promise((done) => { setTimeout(done, milliseconds); });
  let following = null;
  const follow = async (job) => {
    const mine = following = {};
    busy(true);
    let failures = 0;
    let quarter = 0;
    while (following === mine) {
      try {
        const answer = await fetch(`/committee/jobs/${job}/part?lang=${lang}`);
        if (answer.status === 404) {
          form.elements.job.value = "";
          keep();
          panel.hidden = !panel.querySelector(".c-job");
          break;
        }
        if (!answer.ok) throw new Error(String(answer.status));
        failures = 0;
        show(new DOMParser().parseFromString(await answer.text(), "text/html"));
        if (answer.headers.get("Indication-Job") !== "running") {
          say(panel.querySelector(".c-headline, .c-summary")?.textContent.trim());
          break;
        }
        const bar = panel.querySelector("progress");
        if (Math.floor(4 * bar.position) > quarter) {
          quarter = Math.floor(4 * bar.position);
          say(`${byId("job-label").textContent} (${25 * quarter} %)`);
        }
      } catch {
        failures += 1;
        if (failures > 20) {
          say(t("Le service ne répond pas.", "No answer from the service."));
          break;
        }
      }
      await pause(700);
    }
    if (following === mine) {
      following = null;
      busy(false);
    }
  };
  const wait = (words, seconds) => {
    waiting.hidden = !words;
    if (!words) return waiting.replaceChildren();
    if (!waiting.firstChild) {
      const message = document.createElement("p");
      message.className = "notice warn";
      const stop = document.createElement("button");
      stop.type = "button";
      stop.className = "button";
      stop.textContent = t("Ne plus attendre", "Stop waiting");
      stop.addEventListener("click", () => { following = null; });
      waiting.append(message, stop);
      say(words);
    }
    waiting.firstChild.textContent = `${words} ${t("Votre calcul attend son tour, depuis", "Yours waits for its turn, for")} ${seconds} s.`;
  };
  const run = async (task) => {
    if (following) return;
    const mine = following = {};
    busy(true);
    const sent = text.value;
    const began = Date.now();
    let job = null;
    while (following === mine && !job) {
      const body = new FormData(form);
      body.set("do", task);
      try {
        const answer = await fetch(`/committee/jobs?lang=${lang}`, { method: "POST", body });
        if (answer.status === 409) {
          wait((await answer.json()).busy, Math.round((Date.now() - began) / 1000));
          await pause(2000);
          continue;
        }
        if (!answer.ok) throw new Error(String(answer.status));
        ({ job } = await answer.json());
      } catch {
        say(t("Le calcul n’a pas pu commencer : le service ne répond pas.", "The computation could not begin: no answer from the service."));
        break;
      }
    }
    wait("");
    if (following === mine) following = null;
    busy(false);
    if (!job) return;
    ran = sent;
    form.elements.job.value = job;
    keep();
    say(t("Calcul commencé.", "Computation begun."));
    const following_ = follow(job);
    await pause(50);
    panel.scrollIntoView({ block: "nearest" });
    await following_;
  };
  for (const each of buttons) {
    each.disabled = false;
    each.addEventListener("click", (event) => {
      event.preventDefault();
      run(each.value);
    });
  }
  panel.addEventListener("submit", async (event) => {
    if (!event.target.matches(".c-cancel")) return;
    event.preventDefault();
    try {
      await fetch(event.target.action, { method: "POST", redirect: "manual" });
    } catch {
      // The page says on its own whether the computation still runs.
    }
  });

  // ---- the beginning ----

  function address() {
    // A reload of a page that was sent as a form would ask to send it again; the draft is kept anyway.
    const where = rule && rule.value ? { rule: rule.value } : { file };
    history.replaceState(null, "", `/committee/edit?${new URLSearchParams({ ...where, lang })}`);
  }
  address();
  if (tab === "restore") restore();
  else keep();
  note(false);
  if (text.value !== text.defaultValue) check(false);
  const [line] = own();
  if (line) goto(line, 1, 0, false);
  ran = panel.querySelector(".c-job") ? text.value : null;
  if (form.elements.job.value) follow(form.elements.job.value);
})();
