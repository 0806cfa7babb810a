// Passkey forms: allauth's script calls the browser, which asks for a fingerprint, a face or a PIN. Without JavaScript, or
// in browsers without passkeys, the buttons stay hidden and a sentence says so.
import { message } from "./messages.js";

const BUTTON = "passkey-button";
const IDS = { credential: "passkey-credential", data: "passkey-options", passwordless: "passkey-passwordless" };
const FORMS = { login: ["loginForm", "login"], authenticate: ["authenticateForm", "authenticate"], add: ["addForm", "add"] };

const form = document.querySelector("form[data-passkey]");
if (form && window.PublicKeyCredential && window.allauth?.webauthn) connect(form);

function connect(passkeyForm) {
  const [name, buttonKey] = FORMS[passkeyForm.dataset.passkey];
  const error = passkeyForm.querySelector("[data-passkey-error]");
  document.getElementById(BUTTON).hidden = false;
  passkeyForm.querySelector("[data-passkey-missing]")?.remove();
  document.addEventListener("allauth.error", (event) => {
    event.preventDefault();
    error.textContent = message("passkey-not-used");
    error.hidden = false;
  });
  window.allauth.webauthn.forms[name]({ ids: { ...IDS, [buttonKey]: BUTTON } });
}
