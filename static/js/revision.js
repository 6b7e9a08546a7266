/** What the browser's Back gives back of a form was written on the revision of then; the page was loaded anew, maybe with another. */

export function keepRevision(form, revision) {
  if (!revision) return;
  addEventListener("pageshow", () => {
    if (isChanged(form)) revision.value = history.state?.revision ?? revision.value;
    history.replaceState({ revision: revision.value }, "");
  });
}

/** Whether anything was written since the page was loaded. */
export function isChanged(form) {
  return [...form.elements].some((field) => {
    if (field.type === "checkbox") return field.checked !== field.defaultChecked;
    return field.matches("textarea, input:not([type=hidden])") && field.value !== field.defaultValue;
  });
}
