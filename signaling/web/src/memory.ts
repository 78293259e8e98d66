/** What a reload of this tab remembers: nothing of the meeting's content. */
export interface Memory {
  accepted: boolean;
  mic: boolean;
  cam: boolean;
}

export function recall(meeting: string): Memory | null {
  try {
    return JSON.parse(sessionStorage.getItem(key(meeting)) ?? 'null') as Memory | null;
  } catch {
    return null;
  }
}

export function remember(meeting: string, memory: Memory): void {
  sessionStorage.setItem(key(meeting), JSON.stringify(memory));
}

export function forget(meeting: string): void {
  sessionStorage.removeItem(key(meeting));
}

function key(meeting: string): string {
  return `accordo.room.${meeting}`;
}
