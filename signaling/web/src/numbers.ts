/** Telephone numbers as people type them: what is wrong with one, or null. */

/** Between five and fifteen digits, and the usual signs. */
export function numberWrong(value: string): string | null {
  const digits = value.replace(/\D/g, '').length;
  if (digits >= 5 && digits <= 15 && /^[\d +\-/().]+$/.test(value)) return null;
  return 'Scrivi il numero con il prefisso, per esempio 333 1234567.';
}

/** What the hub takes as a mobile: links and codes go there by SMS. Italian ones begin with 3. */
export function mobileWrong(value: string): string | null {
  const digits = value.replace(/[ \-./]/g, '').replace(/^00/, '+').replace(/^(?=3)/, '+39');
  const italian = !digits.startsWith('+39') || /^\+393\d{8,9}$/.test(digits);
  return /^\+\d{8,15}$/.test(digits) && italian ? null : 'Scrivi un cellulare, per esempio 333 1234567: un telefono fisso non riceve SMS.';
}
