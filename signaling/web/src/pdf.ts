/**
 * PDF pages on a canvas, a file of its own that is loaded when the first PDF is opened.
 *
 * pdf.js draws in the page itself, so that page number and zoom can be shared and kept, which a
 * browser's own PDF view in a frame does not let us do (and phones have none). No WebAssembly: the
 * page's policy forbids it, so images in JPEG 2000 and JBIG2 are read by the script versions.
 */
import { getDocument, GlobalWorkerOptions, type PDFDocumentProxy, type RenderTask } from 'pdfjs-dist/legacy/build/pdf.mjs';

const BESIDE = '/static/room/';
/** An old laptop's memory: 4 million pixels are 16 MB. */
const MAX_PIXELS = 4_000_000;

GlobalWorkerOptions.workerSrc = `${BESIDE}pdf.worker.js`;

export interface Pages {
  readonly count: number;
  /** Draws one page so wide (CSS pixels); what was being drawn before is given up. */
  draw(page: number, canvas: HTMLCanvasElement, width: number): Promise<void>;
  /** The words on a page, line by line. */
  text(page: number): Promise<string>;
  close(): void;
}

export async function openPdf(data: ArrayBuffer): Promise<Pages> {
  const loading = getDocument({ data, useWasm: false, wasmUrl: BESIDE });
  return new PdfPages(await loading.promise, () => void loading.destroy());
}

class PdfPages implements Pages {
  private task: RenderTask | null = null;

  constructor(
    private readonly pdf: PDFDocumentProxy,
    readonly close: () => void,
  ) {}

  get count(): number {
    return this.pdf.numPages;
  }

  async draw(number: number, canvas: HTMLCanvasElement, width: number): Promise<void> {
    this.task?.cancel();
    const page = await this.pdf.getPage(number);
    const natural = page.getViewport({ scale: 1 });
    const shown = width / natural.width;
    const finest = Math.sqrt(MAX_PIXELS / (natural.width * natural.height));
    const viewport = page.getViewport({ scale: Math.min(shown * devicePixelRatio, finest) });
    // Drawn aside, so that the page before stays until this one is whole.
    const aside = document.createElement('canvas');
    aside.width = Math.max(1, Math.floor(viewport.width));
    aside.height = Math.max(1, Math.floor(viewport.height));
    const task = page.render({ canvas: aside, viewport });
    this.task = task;
    try {
      await task.promise;
    } catch (error) {
      if (error instanceof Error && error.name === 'RenderingCancelledException') return;
      throw error;
    }
    canvas.width = aside.width;
    canvas.height = aside.height;
    canvas.style.width = `${Math.round(natural.width * shown)}px`;
    canvas.getContext('2d')?.drawImage(aside, 0, 0);
    page.cleanup();
  }

  async text(number: number): Promise<string> {
    const page = await this.pdf.getPage(number);
    const { items } = await page.getTextContent();
    const words = items.map((item) => ('str' in item ? item.str + (item.hasEOL ? '\n' : '') : ''));
    return words.join('').trim();
  }
}
