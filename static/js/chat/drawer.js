/** On a phone the list is a drawer: opened by a button, closed by Escape, a tap beside it or its own button. */

const sidebar = document.getElementById("sidebar");
const backdrop = document.getElementById("backdrop");
const opener = document.getElementById("open-sidebar");
const narrow = matchMedia("(max-width: 52rem)");

function set(open) {
  const drawer = narrow.matches;
  sidebar.classList.toggle("open", drawer && open);
  sidebar.inert = drawer && !open;
  backdrop.hidden = !(drawer && open);
  opener.setAttribute("aria-expanded", String(drawer && open));
}

/** Wire the drawer to its buttons and keys. */
export function connectDrawer() {
  const closer = document.getElementById("close-sidebar");
  opener.addEventListener("click", () => {
    set(true);
    closer.focus();
  });
  const close = () => {
    if (!sidebar.classList.contains("open")) return;
    set(false);
    opener.focus();
  };
  closer.addEventListener("click", close);
  backdrop.addEventListener("click", close);
  document.addEventListener("keydown", (event) => event.key === "Escape" && close());
  narrow.addEventListener("change", () => set(false));
  set(false);
}
