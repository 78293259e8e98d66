/** The room's few icons, 24 × 24, drawn in the text's colour. */
const paths = {
  mic: 'M12 15a4 4 0 0 0 4-4V6a4 4 0 0 0-8 0v5a4 4 0 0 0 4 4Zm7-4a7 7 0 0 1-6 6.9V22h-2v-4.1A7 7 0 0 1 5 11h2a5 5 0 0 0 10 0h2Z',
  micOff:
    'm3.3 2 18.7 18.7-1.3 1.3-4.2-4.2A7 7 0 0 1 13 17.9V22h-2v-4.1A7 7 0 0 1 5 11h2a5 5 0 0 0 7.9 4.1l-1.5-1.5A4 4 0 0 1 8 11V8.6L2 3.3 3.3 2ZM16 6v4.7L9 3.6A4 4 0 0 1 16 6Zm3 5a7 7 0 0 1-.9 3.4l-1.5-1.5A5 5 0 0 0 17 11h2Z',
  cam: 'M4 5h11a2 2 0 0 1 2 2v3l5-3v10l-5-3v3a2 2 0 0 1-2 2H4a2 2 0 0 1-2-2V7a2 2 0 0 1 2-2Z',
  camOff:
    'm3.3 2 18.7 18.7-1.3 1.3-4.2-4.1A2 2 0 0 1 15 19H4a2 2 0 0 1-2-2V7a2 2 0 0 1 1.3-1.9L2 3.3 3.3 2ZM9.2 5H15a2 2 0 0 1 2 2v3l5-3v10l-3.2-1.9L9.2 5Z',
  screen: 'M3 4h18a1 1 0 0 1 1 1v12a1 1 0 0 1-1 1h-7v2h3v2H7v-2h3v-2H3a1 1 0 0 1-1-1V5a1 1 0 0 1 1-1Zm9 3-4 4h3v4h2v-4h3l-4-4Z',
  hand: 'M8 12V4.5a1.5 1.5 0 0 1 3 0V11h1V3a1.5 1.5 0 0 1 3 0v8h1V5a1.5 1.5 0 0 1 3 0v9.5A7.5 7.5 0 0 1 11.5 22c-2.6 0-4.4-1-6-3.3L2.3 14a1.6 1.6 0 0 1 2.5-2L8 15v-3Z',
  people:
    'M9 11a4 4 0 1 0 0-8 4 4 0 0 0 0 8Zm7 0a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7ZM1 20c0-4 4-6.5 8-6.5s8 2.5 8 6.5v1H1v-1Zm18 1v-1c0-2.4-1.1-4.4-2.8-5.9 3.2.1 6.8 2.1 6.8 5.4V21h-4Z',
  sessions: 'M3 3h8v8H3V3Zm10 0h8v8h-8V3ZM3 13h8v8H3v-8Zm10 0h8v8h-8v-8Zm2 2v4h4v-4h-4Z',
  chat: 'M4 3h16a2 2 0 0 1 2 2v10a2 2 0 0 1-2 2H9l-5 4v-4a2 2 0 0 1-2-2V5a2 2 0 0 1 2-2Zm3 5v2h10V8H7Zm0 4v2h7v-2H7Z',
  files: 'M3 5a2 2 0 0 1 2-2h4l2 2h8a2 2 0 0 1 2 2v11a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2V5Zm8 10h2v-3h2l-3-3-3 3h2v3Z',
  document: 'M6 2h8l6 6v14H6a2 2 0 0 1-2-2V4a2 2 0 0 1 2-2Zm7 1.5V9h5.5L13 3.5ZM8 12v2h8v-2H8Zm0 4v2h6v-2H8Z',
  settings:
    'M10.3 2h3.4l.5 2.6 1.7.9 2.5-.9 1.7 3-2 1.7a8 8 0 0 1 0 1.9l2 1.7-1.7 3-2.5-.9-1.7 1-.5 2.5h-3.4l-.5-2.6-1.7-.9-2.5.9-1.7-3 2-1.7a8 8 0 0 1 0-1.9l-2-1.7 1.7-3 2.5.9 1.7-1 .5-2.5ZM12 13.5a3.2 3.2 0 1 0 0-6.5 3.2 3.2 0 0 0 0 6.5Z',
  phone: 'M6.6 2 10 6.4 8.2 9a14 14 0 0 0 6.8 6.8l2.6-1.8L22 17.4 20 21a3 3 0 0 1-3 1A17 17 0 0 1 2 7a3 3 0 0 1 1-3L6.6 2Z',
  signal: 'M3 16h3v5H3v-5Zm5-4h3v9H8v-9Zm5-4h3v13h-3V8Zm5-5h3v18h-3V3Z',
  log: 'M12 2a6 6 0 0 1 6 6v4l2 4v1H4v-1l2-4V8a6 6 0 0 1 6-6Zm-2.5 17h5a2.5 2.5 0 0 1-5 0Z',
  leave: 'M4 3h9v2H6v14h7v2H4V3Zm12 4 5 5-5 5-1.4-1.4 2.6-2.6H10v-2h7.2l-2.6-2.6L16 7Z',
} as const;

export type IconName = keyof typeof paths;

export function icon(name: IconName): SVGSVGElement {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('class', 'icon');
  svg.setAttribute('aria-hidden', 'true');
  const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  path.setAttribute('d', paths[name]);
  svg.append(path);
  return svg;
}
