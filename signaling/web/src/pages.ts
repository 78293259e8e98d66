/** What the viewer shows: the pages of a PDF, or an image as one page. */
import type { Pages } from './pdf';

export type { Pages } from './pdf';

const PDF = '/static/room/pdf.js';

export async function openPages(data: ArrayBuffer, kind: 'pdf' | 'image'): Promise<Pages> {
  if (kind === 'image') return imagePages(data);
  const { openPdf } = (await import(PDF)) as typeof import('./pdf');
  return openPdf(data);
}

async function imagePages(data: ArrayBuffer): Promise<Pages> {
  const image = await createImageBitmap(new Blob([data]));
  return {
    count: 1,
    async draw(_page, canvas, width) {
      // Never more pixels than there are on the screen.
      const scale = Math.min(1, (width * devicePixelRatio) / image.width);
      canvas.width = Math.max(1, Math.round(image.width * scale));
      canvas.height = Math.max(1, Math.round(image.height * scale));
      canvas.style.width = `${Math.round(width)}px`;
      canvas.getContext('2d')?.drawImage(image, 0, 0, canvas.width, canvas.height);
    },
    async text() {
      return '';
    },
    close: () => image.close(),
  };
}
