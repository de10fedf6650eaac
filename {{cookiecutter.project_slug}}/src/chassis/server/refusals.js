// Reports what the browser refuses to the server, and shows what that answers.
(() => {
  "use strict";
  const address = document.currentScript.src.replace(/\.js$/, "");
  const reported = new Set();
  const MAX_REPORTS = 50;
  let list;

  function show(line) {
    if (!line) return;
    if (!list) {
      const box = document.createElement("div");
      box.id = "chassis-refusals";
      box.setAttribute("role", "status");
      box.style.cssText =
        "position: fixed; left: 1rem; bottom: 1rem; z-index: 1000000; max-width: 42rem;" +
        "max-height: 40vh; overflow: auto; padding: 0.75rem 1rem; border-radius: 0.5rem;" +
        "background: #fff4ce; color: #1f1f1f; font: 0.875rem/1.4 sans-serif;" +
        "box-shadow: 0 2px 8px #0006";
      list = document.createElement("div");
      const button = document.createElement("button");
      button.textContent = "Close";
      button.addEventListener("click", () => { box.remove(); list = undefined; });
      box.append(list, button);
      document.body.append(box);
    }
    if ([...list.children].some((child) => child.textContent === line)) return;
    const item = document.createElement("p");
    item.style.margin = "0 0 0.5rem";
    item.textContent = line;
    list.append(item);
  }

  async function report(directive, blocked, inFrame = false) {
    // A map asks for hundreds of tiles of one origin.
    const source = /^\w+:\/\//.test(blocked) ? new URL(blocked).origin : blocked;
    const key = [directive, source, inFrame].join(" ");
    if (reported.has(key) || reported.size >= MAX_REPORTS) return;
    reported.add(key);
    const body = JSON.stringify({ directive, blocked: source, page: location.pathname, inFrame });
    const answer = await fetch(address, { method: "POST", body }).catch(() => null);
    if (answer?.ok) show(await answer.text());
  }

  function onPolicy(event) {
    if (event.disposition !== "report") report(event.effectiveDirective, event.blockedURI);
  }

  function onReports(reports) {
    for (const { type, body } of reports) {
      if (type === "csp-violation") report(body.effectiveDirective, body.blockedURL || "inline");
      else if (type === "permissions-policy-violation") report(body.featureId, "");
    }
  }

  // What happened in a frame before it was loaded, and before we could listen, is buffered.
  function watch(view) {
    const types = ["csp-violation", "permissions-policy-violation"];
    if (view.ReportingObserver) {
      new view.ReportingObserver(onReports, { types, buffered: true }).observe();
    }
    view.document.addEventListener("securitypolicyviolation", onPolicy);
  }

  // The frames of html_frame tell it themselves: nobody can look into them.
  window.addEventListener("message", ({ source, data }) => {
    const ours = [...document.querySelectorAll("iframe")].some((frame) =>
      frame.contentWindow === source && frame.src.startsWith(location.origin + "/"));
    if (ours && Array.isArray(data?.refused)) report(data.refused[0], data.refused[1], true);
  });

  watch(window);
  document.addEventListener("load", (event) => {
    if (event.target.tagName !== "IFRAME") return;
    try { watch(event.target.contentWindow); } catch { /* it belongs to another server */ }
  }, true);
})();
