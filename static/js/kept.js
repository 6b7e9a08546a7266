/** What somebody wrote in the back office is kept on their way over the page to sign in, and no longer. */

export const KEPT = "chatter.unsaved.";
export const fromSignIn = document.referrer !== "" && new URL(document.referrer).pathname === "/login/";

if (!fromSignIn) forget();

export function forget() {
  try {
    for (const key of Object.keys(sessionStorage)) if (key.startsWith(KEPT)) sessionStorage.removeItem(key);
  } catch {
    /* storage is blocked: nothing was kept */
  }
}
