/* Light, dark or as the system has it: a choice that this browser remembers. */

const THEMES = ["auto", "light", "dark"];

function remembered() {
  try {
    const theme = localStorage.getItem("taskhold-help-theme");
    return THEMES.includes(theme) ? theme : "auto";
  } catch {
    return "auto";
  }
}

function show(theme) {
  document.documentElement.dataset.theme = theme;
  try {
    localStorage.setItem("taskhold-help-theme", theme);
  } catch {
    // it holds for this page alone
  }
}

document.documentElement.dataset.theme = remembered();

function offerThemes() {
  const button = document.querySelector("button.theme");
  let theme = remembered();
  const say = () => {
    button.textContent = `Theme: ${theme}`;
  };
  button.addEventListener("click", () => {
    theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
    show(theme);
    say();
  });
  say();
  button.hidden = false;
}

/* The commands of a block, without prompts and answers. */

function commands(pre) {
  const lines = pre.textContent.trimEnd().split("\n");
  const prompt = ["$ ", ">>> "].find((each) => lines.some((line) => line.startsWith(each)));
  if (!prompt) return lines.join("\n");
  const continued = prompt === "$ " ? "> " : "... ";
  let more = false;
  const typed = [];
  for (const line of lines) {
    const begins = [prompt, more ? continued : prompt].find((each) => line.startsWith(each));
    more = begins !== undefined;
    if (begins) typed.push(line.slice(begins.length));
  }
  return typed.join("\n");
}

function offerCopies() {
  if (!navigator.clipboard) return; // over plain http browsers have none
  for (const block of document.querySelectorAll(".highlight")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = "Copy";
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(commands(block.querySelector("pre")));
      button.textContent = "Copied";
    });
    block.append(button);
  }
}

/* A block or a table that is wider than the page can be scrolled with the keyboard, too. */

function letScroll() {
  for (const wide of document.querySelectorAll("pre, table")) {
    if (wide.scrollWidth > wide.clientWidth) wide.tabIndex = 0;
  }
}

document.addEventListener("DOMContentLoaded", () => {
  offerThemes();
  offerCopies();
  letScroll();
});
