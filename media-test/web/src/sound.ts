// R-TEST-03: a short tone of three notes.
export function playNotes(): void {
  const context = new AudioContext();
  const volume = context.createGain();
  volume.gain.value = 0.2;
  volume.connect(context.destination);
  [523.25, 659.25, 783.99].forEach((hertz, i) => {
    const note = context.createOscillator();
    note.frequency.value = hertz;
    note.connect(volume);
    note.start(context.currentTime + i * 0.3);
    note.stop(context.currentTime + i * 0.3 + 0.28);
  });
  setTimeout(() => void context.close(), 1_200);
}
