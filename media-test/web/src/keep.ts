// Keeping the outcome as technical evidence: only of people that the portal knows, only if they agree.
import type { Measurements } from './media-test';

const ADDRESS = '/media-test/esito';

export async function keepOutcome(
  section: HTMLElement,
  words: HTMLElement,
  button: HTMLElement,
  measured: Measurements,
): Promise<void> {
  const answer = await fetch(ADDRESS, { headers: { accept: 'application/json' } }).catch(() => null);
  if (!answer?.ok) return;
  const { may_keep, days } = (await answer.json()) as { may_keep: boolean; days: number };
  if (!may_keep) return;
  words.textContent = `Se vuoi, conserviamo le misure qui sopra per ${days} giorni: la segreteria le può vedere per aiutarti. Suoni e immagini non sono compresi. Puoi cancellarle quando vuoi dal tuo profilo.`;
  button.hidden = false;
  section.hidden = false;
  button.onclick = () => void keep(words, button, measured);
}

async function keep(words: HTMLElement, button: HTMLElement, measured: Measurements): Promise<void> {
  const answer = await fetch(ADDRESS, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify(measured),
  }).catch(() => null);
  if (!answer?.ok) {
    words.textContent = "L'esito non è stato conservato: il servizio non risponde. Riprova.";
    return;
  }
  const { until } = (await answer.json()) as { until: string };
  button.hidden = true;
  words.textContent = `L'esito è conservato fino al ${until}. Lo trovi nel tuo profilo.`;
}
