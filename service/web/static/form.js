"use strict";
// What the form gains with JavaScript. Without it every button still works: the server does the same, a page at a time.
(() => {
  const KEPT = "indication.form";
  const form = document.getElementById("referral");
  document.documentElement.classList.add("js");
  if (!form) return;
  const byId = (id) => document.getElementById(id);

  // ---- what is typed stays in this tab: a reload or a wrong click loses nothing ----

  const typed = () => {
    const pairs = [];
    for (const [name, value] of new FormData(form)) {
      if (typeof value === "string" && value !== "" && !name.startsWith("add:")) pairs.push([name, value]);
    }
    return pairs;
  };
  // An example or a refused file is only shown: what the tab keeps stays until something is typed.
  let mine = document.body.dataset.tab !== "shown";
  let leaving = false;
  const keep = () => {
    if (!mine || leaving) return;
    try {
      sessionStorage.setItem(KEPT, JSON.stringify({ lang: document.documentElement.lang, pairs: typed() }));
    } catch {
      // Private windows may refuse: the form works all the same.
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
    // A lesion or one answer is worth bringing back; the date of the day alone is not.
    if (!before || !before.pairs.some(([name]) => !/^(patient:recorded_at:|at$|what)/.test(name))) return;
    const ghost = document.createElement("form");
    ghost.method = "post";
    ghost.action = form.action;
    ghost.hidden = true;
    for (const [name, value] of before.pairs) {
      const input = document.createElement("input");
      input.type = "hidden";
      input.name = name;
      input.value = value;
      ghost.append(input);
    }
    document.body.append(ghost);
    ghost.submit();
  };

  byId("start-again")?.addEventListener("click", () => {
    // An answer that is still on its way must not bring the last patient back.
    leaving = true;
    sessionStorage.removeItem(KEPT);
  });
  if (document.body.dataset.tab === "restore") restore();
  else {
    // A reload of a page that was sent as a form would ask to send it again; what was typed is kept anyway.
    history.replaceState(null, "", `/?lang=${document.documentElement.lang}`);
    keep();
  }

  // ---- the last control that was changed, for the server to know which part to make anew ----

  let changed = [];
  const note = (event) => {
    const { name, type, value } = event.target;
    if (!name) return;
    mine = true;
    changed = [...changed.filter((each) => each !== name), name];
    // A value and «not known» exclude each other: the last word counts, in sight of whoever says it.
    const [, control, part] = name.match(/^(.*):(\w+)$/) || [];
    const others = form.querySelectorAll(`[name^="${control}:"]`);
    if (part === "unknown" && event.target.checked) {
      for (const each of others) {
        if (/:(value|day|time)$/.test(each.name)) each.value = "";
        else if (/:(present|absent|complete)$/.test(each.name)) each.checked = false;
      }
    } else if (/^(value|day|time|present|absent|complete)$/.test(part || "") && (type === "checkbox" ? event.target.checked : value)) {
      for (const each of others) if (each.name.endsWith(":unknown")) each.checked = false;
    }
  };
  form.addEventListener("input", note);
  form.addEventListener("change", (event) => { note(event); keep(); });

  document.body.addEventListener("htmx:configRequest", (event) => {
    event.detail.headers["X-Changed"] = changed.join(",");
    changed = [];
    // htmx sends the last button that was pressed with whatever comes after it: a change of a field presses no button.
    if (event.detail.elt === form) event.detail.formData.delete("do");
    // What is empty says nothing; the moment of evaluation and the language stay.
    for (const name of new Set(event.detail.formData?.keys?.() ?? [])) {
      // But a date of the situation that was emptied is not today's.
      if (name === "patient:recorded_at:day") continue;
      const values = event.detail.formData.getAll(name).filter((value) => value !== "");
      event.detail.formData.delete(name);
      for (const value of values) event.detail.formData.append(name, value);
    }
  });
  // The server's words about a value that it refuses come with the answer; a failure of the server must be seen too.
  const failed = (event) => {
    if (event.detail.target && event.detail.target.id !== "result") return;
    const box = byId("result");
    // Nothing of the old answer may pass for the present one.
    byId("sides")?.replaceChildren();
    for (const each of document.querySelectorAll(".first-option, #status, #peek a")) each.textContent = "";
    for (const each of document.querySelectorAll(".mark, .lit")) each.setAttribute("class", each.classList[0]);
    box.replaceChildren();
    const text = document.createElement("p");
    text.className = "blocked";
    text.setAttribute("role", "alert");
    text.textContent = document.documentElement.lang === "en"
      ? "No answer from the service: what is typed is kept. Change a value or press the button to try again."
      : "Le service ne répond pas : la saisie est conservée. Modifier une valeur ou presser le bouton pour réessayer.";
    box.append(text);
    const peek = document.querySelector("#peek a");
    if (peek) peek.textContent = text.textContent;
    form.classList.remove("busy");
    console.warn("indication: no answer", event.type);
  };
  document.body.addEventListener("htmx:sendError", failed);
  document.body.addEventListener("htmx:timeout", failed);
  document.body.addEventListener("htmx:responseError", failed);
  document.body.addEventListener("htmx:beforeRequest", (event) => { if (event.target === form) form.classList.add("busy"); });
  document.body.addEventListener("htmx:afterRequest", () => form.classList.remove("busy"));

  // ---- details that were open stay open when the answer is made anew ----

  let open = new Set();
  // What was typed while the answer was on its way: parts of the form that come anew must not undo it.
  let meanwhile = null;
  const REMADE = '#lesions, .of-words, #what-if, [data-zone="questions"]';
  const controls = () => [...form.querySelectorAll("input[name], select[name]")].filter((each) => each.closest(REMADE));
  const state = (each) => (each.type === "checkbox" || each.type === "radio" ? each.checked : each.value);
  const key = (each) => (each.type === "checkbox" || each.type === "radio" ? `${each.name}=${each.value}` : each.name);
  const typeAgain = () => {
    for (const each of meanwhile ? controls() : []) {
      const before = meanwhile.get(key(each));
      if (before === undefined || before === state(each) || each.type === "hidden") continue;
      if (typeof before === "boolean") each.checked = before;
      else each.value = before;
    }
    meanwhile = null;
  };
  document.body.addEventListener("htmx:beforeSwap", (event) => {
    // When a lesion goes, the others are numbered anew: their names mean something else.
    const removing = String(event.detail.requestConfig?.parameters?.do ?? "").startsWith("remove.");
    meanwhile = removing ? null : new Map(controls().map((each) => [key(each), state(each)]));
    open = new Set([...document.querySelectorAll("#result details[id][open], #lesions details[id][open]")].map((each) => each.id));
  });
  document.body.addEventListener("htmx:afterSwap", () => {
    for (const id of open) {
      const each = byId(id);
      if (each && !each.open) each.open = true;
    }
  });
  document.body.addEventListener("htmx:afterSettle", () => { typeAgain(); place(); tellFaults(); keep(); });

  // ---- controls move to where they are asked ----

  const answered = (control) =>
    [...control.querySelectorAll("input, select")].some((input) =>
      /:(on|on_time|unit)$/.test(input.name) ? false
        : input.type === "checkbox" || input.type === "radio" ? input.checked : input.value !== "");

  const home = (control) => {
    const owner = control.id.replace(/^f-(patient|lesion\d+)-.*$/, "$1");
    return document.querySelector(`[data-home="${owner}-${control.dataset.section}"]`);
  };
  // A line below a control: why it is asked, or what is wrong with it.
  const part = (control, name) => {
    let found = control.querySelector(`:scope > .${name}`);
    if (!found) {
      found = document.createElement("p");
      found.className = name;
      control.append(found);
    }
    return found;
  };
  const place = () => {
    const wanted = [...document.querySelectorAll("#asked li")];
    const asked = new Set(wanted.map((each) => each.dataset.control));
    const zones = new Map();
    for (const each of wanted) {
      const zone = document.querySelector(`[data-zone="${each.dataset.to}"]`);
      const control = byId(each.dataset.control);
      if (!zone || !control) continue;
      if (!zone.contains(control)) {
        if (each.dataset.to !== "questions" || !control.closest("[data-zone]")) zone.append(control);
      }
      if (each.textContent) part(control, "reason").textContent = each.textContent;
      zones.set(each.dataset.to, true);
    }
    // What is asked no more goes home, unless it was just answered or is being answered.
    for (const control of document.querySelectorAll('[data-zone="questions"] > .field, .lesion > [data-zone] > .field')) {
      const to = home(control);
      if (!asked.has(control.id) && to && !answered(control) && !control.contains(document.activeElement)) to.append(control);
    }
    const none = byId("no-questions");
    if (none) none.hidden = document.querySelector('[data-zone="questions"] > .field') !== null;
  };

  // ---- faults beside their controls ----

  const tellFaults = () => {
    const faults = new Map([...document.querySelectorAll("#faults a[data-fault]")].map((each) => [each.dataset.fault, each.nextElementSibling.textContent]));
    for (const control of form.querySelectorAll(".field")) {
      const words = faults.get(control.id) || "";
      if (!words && !control.querySelector(":scope > .fault")) continue;
      const box = part(control, "fault");
      box.id = `${control.id}-e`;
      const shown = words ? `▲ ${words}` : "";
      if (box.textContent !== shown) box.textContent = shown;
      control.classList.toggle("faulty", Boolean(words));
      const input = control.querySelector(":scope input[inputmode], :scope > select");
      if (input) {
        if (words) input.setAttribute("aria-invalid", "true");
        else input.removeAttribute("aria-invalid");
        input.setAttribute("aria-describedby", `${control.id}-h ${control.id}-e`);
      }
    }
  };

  // ---- the drawing ----

  const picture = document.querySelector(".picture");
  picture?.addEventListener("click", (event) => {
    const region = event.target.closest("[data-site]");
    if (!region) return;
    const marked = [...document.querySelectorAll(".lesion")].find((lesion) => {
      const said = (item) => lesion.querySelector(`[name$=":${item}:value"]:is(select, :checked)`)?.value || "";
      return said("lesion.site") === region.dataset.site && said("lesion.level") === (region.dataset.level || "") &&
        (!region.dataset.side || said("lesion.side") === region.dataset.side);
    });
    if (marked) {
      goTo(marked);
      return;
    }
    const place = { site: region.dataset.site, level: region.dataset.level || "", side: region.dataset.side || "" };
    if (window.htmx) {
      // Told as it is now: another click may come before this one is answered.
      const values = { do: "add" };
      for (const [part, word] of Object.entries(place)) values[`add:${part}:value`] = word;
      window.htmx.ajax("POST", form.action, { source: "#add", target: "#result", values });
      return;
    }
    byId("add-site").value = region.dataset.site;
    byId("add-level").value = region.dataset.level || "";
    byId("add-side").value = region.dataset.side || "";
    byId("add").click();
  });

  const goTo = (lesion) => {
    lesion.scrollIntoView({ block: "nearest" });
    lesion.querySelector("h3").focus({ preventScroll: true });
  };
  let lesions = document.querySelectorAll(".lesion").length;
  // Lesions made anew bring their controls with them, under new numbers: none of the old ones may stay among the questions.
  document.body.addEventListener("htmx:oobBeforeSwap", (event) => {
    if (event.detail.target?.id !== "lesions") return;
    for (const old of document.querySelectorAll('[data-zone="questions"] > [id^="f-lesion"]')) old.remove();
  });
  document.body.addEventListener("htmx:oobAfterSwap", (event) => {
    if (event.detail.target?.id !== "lesions") return;
    const now = document.querySelectorAll(".lesion");
    if (now.length > lesions) {
      goTo(now[now.length - 1]);
      for (const id of ["add-site", "add-level", "add-side"]) byId(id).value = "";
    } else if (now.length < lesions) byId("add-site").focus();
    lesions = now.length;
  });

  // ---- buttons ----

  form.addEventListener("submit", (event) => {
    const what = event.submitter;
    if (!window.htmx || (what && (what.formAction !== form.action || what.value !== "recommend"))) return;
    // Enter in a field, or the button: the answer is brought here instead of a new page.
    event.preventDefault();
    window.htmx.trigger(form, "recommend");
    if (what) byId("result").focus();
  });

  // A link to a control opens what hides it, and puts the cursor in it.
  document.addEventListener("click", (event) => {
    const link = event.target.closest('a[href^="#f-"], a[href="#recorded"]');
    if (!link) return;
    const control = byId(decodeURIComponent(link.hash.slice(1)));
    if (!control) return;
    event.preventDefault();
    for (let hidden = control.closest("details:not([open])"); hidden; hidden = hidden.parentElement.closest("details:not([open])")) hidden.open = true;
    control.scrollIntoView({ block: "center" });
    control.querySelector("input:not([type=hidden]), select")?.focus({ preventScroll: true });
  });

  // A page left open: what was fresh may have grown too old.
  let seen = Date.now();
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) seen = Date.now();
    else if (Date.now() - seen > 600_000) window.htmx?.trigger(form, "recommend");
  });

  place();
})();
