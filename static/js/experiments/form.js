/** The form of an experiment: what fits what was chosen, and the rows of its variants. */

const LEAST = 2; // a control, and what is held against it
const form = document.getElementById("experiment-form");
const rows = document.getElementById("variants");
const blank = document.getElementById("blank-variant");
const total = form.elements["variants-TOTAL_FORMS"];
const add = document.getElementById("add-variant");

/** What does not fit what was chosen is neither shown nor sent; `data-only` is "field=kind". */
function showFitting() {
  for (const part of form.querySelectorAll("[data-only]")) {
    const [field, kind] = part.dataset.only.split("=");
    part.hidden = form.elements[field].value.split(":")[0] !== kind;
    for (const one of part.querySelectorAll("input, select, textarea")) one.disabled = part.hidden;
  }
}

const removal = (row) => row.querySelector("[data-removed] input");
const isEmpty = (row) => !row.querySelector("[name$='-name']").value && !row.querySelector(".field-error");

/** A button takes the place of the box that says that a row is to go. */
function adopt(row) {
  const button = row.querySelector("[data-remove]");
  button.hidden = false;
  row.querySelector("[data-removed]").hidden = true;
  row.hidden = removal(row).checked;
  button.addEventListener("click", () => {
    removal(row).checked = true;
    row.hidden = true;
    add.focus();
  });
}

function addRow() {
  const row = blank.content.firstElementChild.cloneNode(true);
  for (const one of row.querySelectorAll("*")) {
    for (const attribute of one.attributes) {
      attribute.value = attribute.value.replace("__prefix__", total.value);
    }
  }
  total.value = Number(total.value) + 1;
  rows.append(row);
  adopt(row);
  showFitting();
  row.querySelector("[name$='-name']").focus();
}

// Empty rows are for who has no scripts.
while (rows.children.length > LEAST && isEmpty(rows.lastElementChild)) {
  rows.lastElementChild.remove();
  total.value -= 1;
}
for (const row of rows.children) adopt(row);
add.hidden = false;
add.addEventListener("click", addRow);
form.addEventListener("change", showFitting);
showFitting();
