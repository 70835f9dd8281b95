// Draws the operations of openapi.json; builds nodes only, so that nothing in the document can become markup.
"use strict";

function node(tag, text, ...children) {
  const made = document.createElement(tag);
  if (text) made.textContent = text;
  made.append(...children.filter(Boolean));
  return made;
}

function resolve(document_, schema) {
  if (!schema || !schema.$ref) return schema || {};
  return schema.$ref.split("/").slice(1).reduce((at, part) => at[part], document_) || {};
}

function typeOf(document_, schema, depth = 0) {
  if (!schema) return "";
  if (schema.$ref) return schema.$ref.split("/").pop().split(".").pop();
  const options = schema.oneOf || schema.anyOf;
  if (options) return options.map((one) => typeOf(document_, one, depth)).join(" or ");
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((one) => JSON.stringify(one)).join(" or ");
  if (schema.type === "array") return `list of ${typeOf(document_, schema.items, depth + 1) || "anything"}`;
  return [schema.type].flat().join(" or ") || "anything";
}

function fields(document_, schema) {
  const whole = resolve(document_, schema);
  const rows = Object.entries(whole.properties || {});
  if (!rows.length) return node("p", typeOf(document_, schema));
  const body = rows.map(([name, one]) => {
    const required = (whole.required || []).includes(name) ? " (required)" : "";
    return node("tr", "", node("td", "", node("code", name)), node("td", typeOf(document_, one) + required),
      node("td", one.description || ""));
  });
  return node("table", "", node("tbody", "", ...body));
}

function sample(document_, schema, depth = 0) {
  const whole = resolve(document_, schema);
  if (depth > 3) return null;
  if (whole.properties) {
    const needed = whole.required && whole.required.length ? whole.required : Object.keys(whole.properties).slice(0, 3);
    return Object.fromEntries(needed.map((name) => [name, sample(document_, whole.properties[name], depth + 1)]));
  }
  if (whole.type === "array") return [];
  return { string: "…", integer: 1, number: 1, boolean: true, object: {} }[[whole.type].flat()[0]] ?? null;
}

function curl(document_, method, path, body) {
  const parts = ["curl", method === "get" ? "" : `-X ${method.toUpperCase()}`, location.origin + path];
  if (body) parts.push("-H 'Content-Type: application/json'", `-d '${JSON.stringify(sample(document_, body))}'`);
  return parts.filter(Boolean).join(" ");
}

function operation(document_, path, method, what) {
  const summary = node("summary", "", node("span", method.toUpperCase()), node("code", path),
    document.createTextNode("  " + (what.summary || "")));
  summary.firstChild.className = "method";
  const made = node("details", "", summary, node("p", what.description || ""));
  if (what.parameters && what.parameters.length) {
    const rows = what.parameters.map((one) => node("tr", "",
      node("td", "", node("code", one.name)), node("td", `${one.in}${one.required ? " (required)" : ""}`),
      node("td", typeOf(document_, one.schema)), node("td", one.description || "")));
    made.append(node("h4", "Parameters"), node("table", "", node("tbody", "", ...rows)));
  }
  const body = what.requestBody && Object.values(what.requestBody.content)[0];
  if (body) made.append(node("h4", "Body"), fields(document_, body.schema));
  made.append(node("h4", "Answers"));
  const answers = Object.entries(what.responses || {}).map(([status, one]) => {
    const content = one.content && Object.values(one.content)[0];
    return node("tr", "", node("td", status), node("td", one.description || ""),
      node("td", content ? typeOf(document_, content.schema) : ""));
  });
  made.append(node("table", "", node("tbody", "", ...answers)));
  made.append(node("h4", "As curl"), node("pre", curl(document_, method, path, body && body.schema)));
  made.dataset.words = `${method} ${path} ${what.summary || ""} ${what.description || ""}`.toLowerCase();
  return made;
}

function draw(document_) {
  document.getElementById("version").textContent = document_.info.version;
  const groups = new Map();
  for (const [path, methods] of Object.entries(document_.paths)) {
    for (const [method, what] of Object.entries(methods)) {
      const tag = (what.tags || ["other"])[0];
      if (!groups.has(tag)) groups.set(tag, node("section", "", node("h2", tag)));
      groups.get(tag).append(operation(document_, path, method, what));
    }
  }
  document.getElementById("operations").replaceChildren(...groups.values());
}

document.getElementById("find").addEventListener("input", (event) => {
  const word = event.target.value.toLowerCase();
  for (const one of document.querySelectorAll("details")) one.hidden = !one.dataset.words.includes(word);
  for (const group of document.querySelectorAll("section")) {
    group.hidden = ![...group.querySelectorAll("details")].some((one) => !one.hidden);
  }
});

fetch("openapi.json").then((answer) => answer.json()).then(draw).catch((failure) => {
  document.getElementById("operations").replaceChildren(node("p", `openapi.json could not be loaded: ${failure}`));
});
