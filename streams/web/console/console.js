// The console: the API's answers as pages. Everything is put in as text, never as markup.
"use strict";

const page = document.getElementById("page");
const state = document.getElementById("state");

// -- making elements ---------------------------------------------------------------------------------------------

function el(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value === true) made.setAttribute(key, "");
    else if (value !== false && value != null) made.setAttribute(key, value);
  }
  made.append(...children.flat(3).filter((one) => one != null).map((one) => (one instanceof Node ? one : String(one))));
  return made;
}

const section = (...children) => el("section", {}, ...children);
const pre = (value) => el("pre", {}, typeof value === "string" ? value : JSON.stringify(value, null, 2));
const moment = (ms) => (ms == null ? "-" : new Date(ms).toISOString().replace("T", " ").replace(/\.\d+Z$/, ""));
const asJson = (value) => el("details", {}, el("summary", { class: "dim" }, "as JSON"), pre(value));
const badge = (text) => el("span", { class: `badge ${STYLES[text] || "dim"}` }, text);
const STYLES = {
  delivered: "good", resolved: "good", acknowledged: "good", send: "good", true: "good", created: "good",
  dead: "bad", reject: "bad", invalid: "bad", deleted: "bad",
  waiting: "wait", triggered: "wait", skipped: "wait", skip: "wait", missing: "wait", changed: "wait",
};

function table(heads, rows) {
  if (!rows.length) return el("p", { class: "dim" }, "None.");
  return el("table", {},
    el("thead", {}, el("tr", {}, heads.map((head) => el("th", { scope: "col" }, head)))),
    el("tbody", {}, rows.map((row) => el("tr", {}, row.map((cell) => el("td", {}, cell))))));
}

const MOMENTS = /(^|_)(at|timestamp)$/; // members that hold milliseconds since the epoch
const INPUTS = ["event", "outbox"]; // what others wrote is shown as they wrote it

/** A JSON value for the eye: members in a column, times as such, texts with their lines; what is not set is left out. */
function readable(value, name = "") {
  if (typeof value === "number" && MOMENTS.test(name)) return `${moment(value)} UTC`;
  if (typeof value === "string" && value.trim().includes("\n")) return pre(value.trim());
  if (value === null || typeof value !== "object") return String(value);
  if (INPUTS.includes(name)) return pre(value);
  if (Array.isArray(value)) {
    if (value.every((one) => typeof one !== "object")) return value.join(", ");
    return el("ol", {}, value.map((one) => el("li", {}, readable(one))));
  }
  const set = Object.entries(value).filter(([, one]) => one != null && one !== "" && !(typeof one === "object" && !Object.keys(one).length));
  return el("dl", {}, set.map(([key, one]) => [el("dt", {}, key), el("dd", {}, readable(one, key))]));
}

function show(...children) { page.replaceChildren(...children.flat(2)); }

// -- asking the API ----------------------------------------------------------------------------------------------

class Problem extends Error {
  constructor(told) { super(told.detail || told.title); this.told = told; }
}

/** The answer's JSON. `body` is a value that goes as JSON, or with `type` a text as it is. Throws Problem. */
async function ask(method, path, body, type) {
  for (;;) {
    const headers = {};
    const token = sessionStorage.getItem("token");
    if (token) headers.Authorization = `Bearer ${token}`;
    if (body !== undefined) headers["Content-Type"] = type || "application/json";
    const answer = await fetch(path, { method, headers, body: body === undefined || type ? body : JSON.stringify(body) });
    if (answer.status === 401) { await login(token ? "That is not the token." : ""); continue; }
    const told = await answer.json();
    if (!answer.ok) throw new Problem(told);
    return told;
  }
}

let asking = null; // one dialog, however many requests wait for it
function login(error) {
  asking ||= new Promise((entered) => {
    const dialog = document.getElementById("login");
    const input = document.getElementById("token");
    document.getElementById("login-error").textContent = error;
    dialog.addEventListener("close", () => {
      sessionStorage.setItem("token", input.value);
      input.value = "";
      asking = null;
      entered();
    }, { once: true });
    dialog.showModal();
  });
  return asking;
}

function problem(error) {
  const errors = (error.told && error.told.errors) || [];
  const rows = errors.map((one) => [one.field || "-", one.line ? `${one.line}:${one.column}` : "", one.detail, one.remedy || ""]);
  return section(el("h2", { class: "bad" }, (error.told && error.told.title) || "That did not work"),
    errors.length ? table(["Field", "Line", "What", "Remedy"], rows) : el("p", {}, error.message));
}

/** A button that is off while it works, and puts what comes of it into `place`. `question` is asked first, if given. */
function action(label, place, work, kind = "", question = "") {
  return el("button", { type: "button", class: kind, onclick: async (event) => {
    const button = event.currentTarget;
    if (question && !confirm(question)) return;
    button.disabled = true;
    place.replaceChildren(el("p", { class: "dim" }, "Working …"));
    try { place.replaceChildren(...[await work()].flat()); } catch (error) { place.replaceChildren(problem(error)); }
    button.disabled = false;
  } }, label);
}

// -- pages -------------------------------------------------------------------------------------------------------

const ofTheSystem = (one) => one.id.startsWith("preset_system_");

async function overview() {
  const [lag, documents, letters] = await Promise.all([
    ask("GET", "/api/v1/lag"), ask("GET", "/api/v1/documents"), ask("GET", "/api/v1/dead-letters?limit=1000")]);
  const open = letters.deadLetters.filter((one) => !one.replayed);
  const card = (name, figure, style, link) => section(el("div", { class: "dim" }, name),
    el("div", { class: `figure ${style}` }, link ? el("a", { href: link }, figure) : figure));
  show(
    el("div", { class: "cards" },
      Object.entries(lag.stages).map(([stage, records]) => card(`${stage} lag`, records.toLocaleString(), records > 1000 ? "bad" : "")),
      card("dead letters, open", open.length.toLocaleString(), open.length ? "bad" : "", "#/dead-letters"),
      card("documents", documents.documents.filter((one) => !ofTheSystem(one)).length, "", "#/documents"),
      card("revision", documents.revision, "dim")),
    documents.problems.length ? section(el("h2", { class: "bad" }, "Documents that cannot be read"),
      table(["Document", "Why"], documents.problems.map((one) => [one.document, one.reason]))) : "",
    section(el("h2", {}, "Find an alert, Case or incident"), explainForm("")),
    section(el("h2", {}, "Topics"), table(["Stage", "Topic", "Still to do"],
      lag.topics.map((one) => [one.stage, el("code", {}, one.topic), one.records.toLocaleString()]))));
}

async function documents(kind, id) {
  if (kind && id) return oneDocument(kind, id);
  const found = await ask("GET", "/api/v1/documents");
  const kinds = ["connector", "router", "preset", "integration"];
  const heading = { connector: "Type", router: "Labels", preset: "For", integration: "From" };
  const about = (one) => ({
    connector: one.type,
    router: Object.entries(one.labels || {}).map((label) => label.join("=")).join(" ") || "no labels",
    preset: ofTheSystem(one) ? "of the system" : one.entity,
    integration: one.from || "",
  })[one.kind] || "";
  const place = el("div");
  const text = el("textarea", { "aria-label": "Documents", placeholder: "kind: connector\nid: payments\n…", spellcheck: "false" });
  const send = (path) => async () => {
    const told = await ask("POST", path, text.value, "application/yaml");
    return section(table(["Document", ""], told.changes.map((one) => [one.document, badge(one.verb)])),
      told.warnings.map((one) => el("p", { class: "wait" }, one)), told.diff ? pre(told.diff) : "");
  };
  show(
    kinds.map((name) => {
      const some = found.documents.filter((one) => one.kind === name);
      return section(el("h2", {}, `${name[0].toUpperCase()}${name.slice(1)}s`), table(["Id", "Name", heading[name], "Version"],
        some.map((one) => [el("a", { href: `#/documents/${name}/${encodeURIComponent(one.id)}` }, one.id), one.name, about(one), one.version || ""])));
    }),
    section(el("h2", {}, "Change documents"), text,
      el("p", {}, el("span", {}, action("Compare", place, send("/api/v1/documents/diff"), "plain"), " ",
        action("Apply", place, send("/api/v1/documents/apply")))), place));
}

async function oneDocument(kind, id) {
  const found = await ask("GET", `/api/v1/documents/${kind}/${encodeURIComponent(id)}`);
  const place = el("div");
  const test = () => ask("POST", "/api/v1/send", { connectorId: id }).then((told) => section(
    el("h2", { class: told.ok ? "good" : "bad" }, told.ok ? "Delivered, and resolved again" : "Not delivered"),
    el("p", {}, told.message), el("p", {}, el("a", { href: `#/explain/${encodeURIComponent(told.incident)}` }, told.incident))));
  show(section(el("h2", {}, `${kind} ${id}`), readable(found), asJson(found)),
    kind === "connector" ? section(el("h2", {}, "Test notification"),
      el("p", { class: "dim" }, "Through the whole path. It pages for real, and resolves itself."), action("Send", place, test, "",
        `This pages whoever is on call behind connector ${id}, for real, and resolves it again. Send it?`), place) : "");
}

function explainForm(value) {
  const input = el("input", { type: "text", name: "id", required: true, value, "aria-label": "Id",
    placeholder: "grouping key, Case id, alert id or TOPIC/PARTITION/OFFSET" });
  return el("form", { class: "line", onsubmit: (event) => {
    event.preventDefault();
    location.hash = `#/explain/${encodeURIComponent(input.value.trim())}`;
  } }, input, el("button", {}, "Explain"));
}

async function explain(id, span) {
  const here = id && `#/explain/${encodeURIComponent(id)}`;
  const form = section(el("h2", {}, "Explain"), explainForm(id || ""), id ? el("p", { class: "dim" }, span === "all"
    ? ["Everything that the topics still hold. ", el("a", { href: here }, "The newest life alone")]
    : ["The newest life of the incident, as far as the last 24 hours have it. ", el("a", { href: `${here}/all` }, "Look at everything")]) : "");
  show(form);
  if (!id) return;
  const told = await ask("GET", `/api/v1/explain/${encodeURIComponent(id)}${span === "all" ? "?all=true" : ""}`);
  show(form, told.stories.map(story));
}

function story(one) {
  return section(el("h2", {}, one.incident || "An input that tells no incident"),
    el("p", {}, badge(one.now.state), " ", one.now.message),
    one.inputs.map((input) => el("div", { class: "story" },
      el("div", {}, el("span", { class: "nowrap dim" }, moment(input.written_at)), " ", el("b", {}, input.action || "?"), " ", el("code", {}, input.source)),
      input.endings.map((ending) => el("div", {}, badge(ending.status), " ", ending.message,
        ending.replay ? el("div", { class: "wait" }, "replay of the dead letter ",
          el("a", { href: `#/dead-letters/${encodeURIComponent(ending.replay)}` }, ending.replay)) : "",
        el("div", { class: "dim" }, [ending.connector && `connector ${ending.connector}`, ending.rule && `rule ${ending.rule}`, ending.destination,
          ending.choice && ending.choice.chosen && `by ${ending.choice.chosen}`, ending.at && moment(ending.at),
          ending.attempts_total > 1 && `${ending.attempts_total} attempts`].filter(Boolean).join(" · ")),
        Object.entries(ending.render_errors || {}).map(([name, error]) => el("div", { class: "wait" }, `${name}: ${error}`)),
        ending.letter ? el("a", { href: `#/dead-letters/${encodeURIComponent(ending.letter)}` }, "dead letter") : "")))),
    asJson(one));
}

const EXAMPLE = { alert: { groupingKey: "disk/web-1", status: "Triggered" }, alertDef: { name: "Disk full", priority: "P2", entityLabels: { "routing.team": "payments" } } };

async function preview() {
  const event = el("textarea", { "aria-label": "Event", spellcheck: "false" });
  const changed = el("textarea", { "aria-label": "Changed documents", spellcheck: "false", placeholder: "kind: connector\nid: payments\n…\n(YAML or JSON; tells what would differ)" });
  const connector = el("input", { type: "text", "aria-label": "Connector", placeholder: "connector (optional): as if the event named it" });
  event.value = JSON.stringify(EXAMPLE, null, 2);
  const place = el("div");
  const run = (live) => async () => {
    const body = live ? {} : { event: parsed(event.value, "event") };
    if (connector.value.trim()) body.connectorId = connector.value.trim();
    if (changed.value.trim()) body.documents = changed.value;
    const told = await ask("POST", "/api/v1/preview", body);
    return [previewed(told.preview), told.differences ? section(el("h2", {}, "What the changed documents would change"),
      table(["Where", "Now", "Then"], told.differences.map((one) => [one.where, pre(one.before ?? "-"), pre(one.after ?? "-")])),
      told.warnings.map((one) => el("p", { class: "wait" }, one))) : ""];
  };
  show(section(el("h2", {}, "Preview"), el("p", { class: "dim" }, "What would become of an event. Sends nothing."),
    el("div", { class: "two" }, el("div", {}, el("h3", {}, "Event"), event), el("div", {}, el("h3", {}, "Changed documents (optional)"), changed)),
    el("form", { class: "line", onsubmit: (submitted) => submitted.preventDefault() }, connector,
      action("Preview", place, run(false)), action("The next one from the topics", place, run(true), "plain"))), place);
}

function parsed(text, field) {
  try { return JSON.parse(text); } catch (error) {
    throw new Problem({ title: "The request is wrong", errors: [{ field, detail: error.message }] });
  }
}

function previewed(one) {
  return section(el("h2", {}, one.incident),
    one.routers.length ? [el("h3", {}, "Routers"), table(["Router", "Rule", "", "Condition", "Connectors"], one.routers.flatMap((router) => {
      if (!router.matches) return [[router.id, "", badge("skip"), `lacks ${router.lacking.join(", ")}`, ""]];
      const rules = router.rules.map((rule) => [router.id, rule.name, badge(rule.outcome), el("span", {}, el("code", {}, rule.condition), rule.reason ? el("div", { class: "dim" }, rule.reason) : ""), rule.targets.join(", ")]);
      const { targets, used } = router.fallback;
      return used ? [...rules, [router.id, "fallback", badge("true"), "no rule is true", targets.join(", ") || "nobody"]] : rules;
    }))] : "",
    one.outcomes.map((outcome) => el("div", { class: "story" },
      el("div", {}, badge(outcome.outcome), " ", outcome.connector ? el("b", {}, outcome.connector) : "", " ", outcome.message),
      ((outcome.why || {}).passed_over || []).map((over) => el("div", { class: "dim" }, `${over.candidate}: ${over.reason}`)),
      Object.entries(outcome.render_errors || {}).map(([name, error]) => el("div", { class: "wait" }, `${name}: ${error}`)),
      outcome.request ? [el("h3", {}, `${outcome.request.method} ${outcome.request.url}`), pre(outcome.request.body)] : "",
      outcome.account ? pre(outcome.account) : "")));
}

const AGAIN = "This sends it again, and may page. Replay it?";

async function letters(id) {
  if (id) return oneLetter(id);
  const found = await ask("GET", "/api/v1/dead-letters?limit=200");
  const place = el("div");
  const replay = (ids) => () => ask("POST", "/api/v1/dead-letters/replay", { ids }).then(replayed);
  const reasons = [...new Set(found.deadLetters.filter((one) => !one.replayed).map((one) => one.reason.type))].sort();
  const all = (reason) => () => ask("POST", "/api/v1/dead-letters/replay", { reason: [reason] }).then(replayed);
  show(section(el("h2", {}, `Dead letters (${found.total})`),
    reasons.length ? el("p", {}, "Replay all of: ", reasons.map((reason) => [action(reason, place, all(reason), "plain small",
      `This sends all dead letters of reason ${reason} again, and may page for each of them. Replay them?`), " "])) : "",
    place,
    table(["Given up", "Incident", "Reason", "Destination", "Replayed", ""], found.deadLetters.slice().reverse().map((one) => [
      el("span", { class: "nowrap" }, moment(one.at)),
      el("a", { href: `#/dead-letters/${encodeURIComponent(one.id)}` }, one.incident || one.id),
      el("span", {}, el("b", {}, one.reason.type), el("div", { class: "dim" }, one.reason.message)),
      one.destination || "-", one.replayed ? badge(one.replayed.status) : "",
      one.replayed ? "" : action("Replay", place, replay([one.id]), "plain small", AGAIN)]))));
}

function replayed(told) {
  const rows = [...told.sent.map((one) => [one.id, badge(one.result ? one.result.status : "waiting"), one.result ? one.result.reason : "no outcome yet"]),
    ...told.cannot.map((one) => [one.id, badge("reject"), one.message]),
    ...told.before.map((one) => [one.id, badge("skip"), "replayed before"]),
    ...told.tests.map((one) => [one, badge("skip"), "a test notification: left out"])];
  return section(el("h2", {}, "Replay"), table(["Dead letter", "", ""], rows));
}

async function oneLetter(id) {
  const found = await ask("GET", `/api/v1/dead-letters/${encodeURIComponent(id)}`);
  const place = el("div");
  const to = el("input", { type: "text", "aria-label": "Connector", placeholder: "through this connector (optional)" });
  const replay = (one, force) => () => ask("POST", "/api/v1/dead-letters/replay",
    { ids: [one.id], force, ...(to.value.trim() ? { to: to.value.trim() } : {}) }).then(replayed);
  show(found.deadLetters.map((one) => section(el("h2", {}, one.incident || one.id), el("p", {}, el("b", {}, one.reason.type), ": ", one.reason.message),
    one.replayed ? el("p", {}, `Replayed, ${moment(one.replayed.at)}: `, badge(one.replayed.status), " ", one.replayed.reason) : "",
    el("form", { class: "line", onsubmit: (event) => event.preventDefault() }, to, one.replayed
      ? action("Replay again", place, replay(one, true), "plain", "It was replayed before. This sends it once more, and may page again. Replay it?")
      : [action("Replay", place, replay(one, false), "", AGAIN), action("Replay, come what may", place, replay(one, true), "plain",
        "This sends it even if it is pointless by now, or a test notification. Replay it?")]),
    place, readable(one), asJson(one))));
}

async function cases(id) {
  if (id) {
    const row = await ask("GET", `/api/v1/cases/${encodeURIComponent(id)}`);
    return show(section(el("h2", {}, `Case ${id}`), readable(row), asJson(row)));
  }
  const found = await ask("GET", "/api/v1/cases?limit=200");
  const link = (one) => Object.values(one.links)[0] || {};
  show(section(el("h2", {}, `Cases (${found.total})`),
    table(["Case", "Status", "At PagerDuty", "Incident", "Changed", "Note"], found.cases.map((one) => [
      el("a", { href: `#/cases/${encodeURIComponent(one.case)}` }, one.case), one.case_status || "-", link(one).incident_status || "-",
      link(one).incident && link(one).incident.url && /^https?:/.test(link(one).incident.url) ? el("a", { href: link(one).incident.url, rel: "noreferrer" }, link(one).incident.number || link(one).incident.id) : "-",
      moment(one.at), el("span", { class: "bad" }, (link(one).error || link(one).conflict || {}).message || "")]))));
}

// -- which page --------------------------------------------------------------------------------------------------

const openapi = async () => show(section(el("h2", {}, "openapi.json"), pre(await ask("GET", "/openapi.json"))));

const PAGES = { "": overview, documents, explain, preview, "dead-letters": letters, cases, openapi };

async function go() {
  const [name, ...rest] = location.hash.replace(/^#\/?/, "").split("/");
  for (const link of document.querySelectorAll("nav a")) {
    if (link.getAttribute("href") === `#/${name}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  state.textContent = "loading …";
  try {
    await (PAGES[name] || overview)(...rest.map(decodeURIComponent));
    state.textContent = `as of ${moment(Date.now()).slice(11)}`;
  } catch (error) {
    state.textContent = "";
    page.append(problem(error));
  }
}

window.addEventListener("hashchange", () => { page.replaceChildren(); go(); });
go();
