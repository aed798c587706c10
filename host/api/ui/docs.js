// Shows the OpenAPI document of this host, and sends requests to it. Nothing is fetched from
// elsewhere, and no text of the document becomes markup.
"use strict";

const METHODS = ["get", "post", "put", "patch", "delete"];

/** An element with text or elements in it. */
function make(name, attributes = {}, ...inside) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== undefined) element.setAttribute(key, value);
  }
  element.append(...inside);
  return element;
}

/** What a `$ref` stands for. */
function resolved(api, node) {
  if (!node || !node.$ref) return node;
  const path = node.$ref.replace(/^#\//, "").split("/");
  return path.reduce((at, part) => at && at[part], api);
}

/** A value of a schema, to begin with. */
function sample(api, schema, depth = 0) {
  schema = resolved(api, schema);
  if (!schema || depth > 4) return null;
  if (schema.example !== undefined) return schema.example;
  if (schema.default !== undefined) return schema.default;
  if (schema.enum) return schema.enum[0];
  const choice = (schema.oneOf || schema.anyOf || [])[0];
  if (choice) return sample(api, choice, depth + 1);
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type;
  if (type === "array") return [];
  if (type === "boolean") return false;
  if (type === "integer" || type === "number") return schema.minimum ?? 0;
  if (type === "string") return "";
  const members = {};
  for (const [name, member] of Object.entries(schema.properties || {})) {
    if ((schema.required || []).includes(name)) members[name] = sample(api, member, depth + 1);
  }
  return members;
}

function parameters(list) {
  const inputs = [];
  const rows = list.map((parameter) => {
    const input = make("input", { placeholder: parameter.example });
    inputs.push([parameter, input]);
    const name = `${parameter.name} (${parameter.in}${parameter.required ? "" : ", optional"})`;
    return make("tr", {}, make("td", {}, make("code", {}, name)), make("td", {}, input),
      make("td", {}, parameter.description || ""));
  });
  return [make("table", {}, ...rows), inputs];
}

/** The body's type and a field to write it in. */
function body(api, operation) {
  const content = (operation.requestBody || {}).content;
  if (!content) return [null, null];
  const [type, { schema, example }] = Object.entries(content)[0];
  if (!type.includes("json")) {
    return [type, make("input", { type: "file" })];
  }
  const field = make("textarea", { spellcheck: "false" });
  field.value = JSON.stringify(example ?? sample(api, schema), null, 2);
  return [type, field];
}

function answers(api, operation) {
  const rows = Object.entries(operation.responses || {}).map(([status, answer]) => {
    const types = Object.keys(resolved(api, answer).content || {}).join(", ");
    return make("tr", {}, make("td", {}, make("code", {}, status)),
      make("td", {}, resolved(api, answer).description || ""), make("td", {}, types));
  });
  return make("table", {}, ...rows);
}

function request(path, method, inputs, type, field) {
  const query = new URLSearchParams();
  const headers = {};
  for (const [parameter, input] of inputs) {
    const value = input.value;
    // As it is: an example in the document is already in the form of a path.
    if (parameter.in === "path") path = path.replace(`{${parameter.name}}`, value);
    else if (value === "") continue;
    else if (parameter.in === "query") query.set(parameter.name, value);
    else if (parameter.in === "header") headers[parameter.name] = value;
  }
  const key = document.getElementById("key").value;
  if (key) headers.Authorization = `Bearer ${key}`;
  const options = { method: method.toUpperCase(), headers };
  if (field) {
    headers["Content-Type"] = type;
    options.body = field.type === "file" ? field.files[0] : field.value;
  }
  const search = query.toString();
  return [search ? `${path}?${search}` : path, options];
}

/** Sends, and shows what comes; a stream of events is shown as it comes, for a while. */
async function send([path, options], shown) {
  shown.hidden = false;
  shown.textContent = `${options.method} ${path}\n\n...`;
  try {
    const response = await fetch(path, options);
    const head = `${options.method} ${path}\n${response.status} ${response.statusText}\n`;
    const fields = [...response.headers].map(([name, value]) => `${name}: ${value}`).join("\n");
    shown.textContent = `${head}${fields}\n\n`;
    const reader = response.body.getReader();
    const decoder = new TextDecoder();
    let text = "";
    while (text.length < 200000) {
      const { done, value } = await reader.read();
      if (done) break;
      text += decoder.decode(value, { stream: true });
      shown.textContent = `${head}${fields}\n\n${text}`;
    }
    reader.cancel();
    try {
      shown.textContent = `${head}${fields}\n\n${JSON.stringify(JSON.parse(text), null, 2)}`;
    } catch { /* Not JSON: it is shown as it came. */ }
  } catch (error) {
    shown.textContent = `${options.method} ${path}\n\n${error}`;
  }
}

function operation(api, path, method, it) {
  const summary = make("summary", {}, make("span", { class: `method ${method}` }, method.toUpperCase()),
    make("span", { class: "path" }, path), make("span", { class: "says" }, it.summary || ""));
  const details = make("details", {}, summary);
  details.dataset.text = `${method} ${path} ${it.summary || ""} ${it.description || ""}`.toLowerCase();
  details.addEventListener("toggle", () => {
    if (details.children.length > 1) return;
    const [table, inputs] = parameters(it.parameters || []);
    const [type, field] = body(api, it);
    const button = make("button", { type: "button" }, "Send");
    const shown = make("pre", { hidden: "" });
    button.addEventListener("click", () => send(request(path, method, inputs, type, field), shown));
    const need = it["x-required-role"];
    const where = need && need.whole_host ? " in the whole host" : "";
    details.append(make("div", {}, make("p", {}, it.description || it.summary || ""),
      need ? make("p", {}, `Needs the role ${need.role}${where}.`) : "", table, field || "", button, shown,
      answers(api, it)));
  });
  return details;
}

function show(api) {
  const main = document.getElementById("operations");
  main.replaceChildren();
  for (const tag of api.tags || []) {
    const section = make("section", {}, make("h2", {}, `${tag.name} `, make("small", {}, tag.description || "")));
    for (const [path, item] of Object.entries(api.paths)) {
      for (const method of METHODS) {
        const it = item[method];
        if (it && (it.tags || []).includes(tag.name)) section.append(operation(api, path, method, it));
      }
    }
    if (section.children.length > 1) main.append(section);
  }
  document.getElementById("find").addEventListener("input", (event) => {
    const words = event.target.value.toLowerCase().split(/\s+/);
    for (const details of main.querySelectorAll("details")) {
      details.hidden = !words.every((word) => details.dataset.text.includes(word));
    }
    for (const section of main.querySelectorAll("section")) {
      section.hidden = !section.querySelector("details:not([hidden])");
    }
  });
}

fetch("/api/openapi.json")
  .then((response) => response.json())
  .then(show)
  .catch((error) => { document.getElementById("operations").textContent = String(error); });
