/** What is said of files when a view replaces the one before it in the same session. */
import type { Effect } from './model';
import type { ParticipantId, Person, SharedFile, View } from './protocol';

export function fileNews(before: View, after: View, me: ParticipantId | null): Effect[] {
  const news: Effect[] = [];
  const say = (text: string) => news.push({ kind: 'announce', text, urgent: false });
  const known = new Set(before.files.map((file) => file.id));
  const left = new Set(after.files.map((file) => file.id));
  for (const file of after.files) {
    if (!known.has(file.id) && file.owner !== me) {
      say(`${nameOf(after.people, file.owner)} condivide il file ${file.name}.`);
      news.push({ kind: 'file' });
    }
  }
  for (const file of before.files) {
    if (!left.has(file.id)) say(`Il file ${file.name} non è più condiviso.`);
  }
  const [was, is] = [before.showing, after.showing];
  if (is && is.by !== me && (was?.file !== is.file || was.by !== is.by)) {
    const file = after.files.find((one: SharedFile) => one.id === is.file);
    const text = `${nameOf(after.people, is.by)} mostra a tutti: ${file?.name ?? 'un documento'}.`;
    news.push({ kind: 'told', text }, { kind: 'announce', text, urgent: false }, { kind: 'showing' });
  }
  if (was && !is && was.by !== me) say('Il documento non è più mostrato a tutti.');
  return news;
}

export function nameOf(people: Person[], id: ParticipantId): string {
  return people.find((person) => person.id === id)?.name ?? 'Un partecipante';
}
