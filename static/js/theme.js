/* Sets the chosen theme before the first paint; shares its key and values with the admin's own toggle. */
(function () {
  try {
    const theme = localStorage.getItem("theme");
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  } catch {
    /* storage is blocked: the system's preference stands */
  }
})();
