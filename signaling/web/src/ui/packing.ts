/** How large equal tiles can be so that all of them fit. Pure. */

export interface Size {
  width: number;
  height: number;
}

/** A face is cut too much by anything flatter or narrower. */
const FLATTEST = 1.6;
const NARROWEST = 1;

/** The largest tile, in whole pixels, of which `count` fit into `area` with `gap` between them. */
export function pack(count: number, area: Size, gap: number): Size {
  let best: Size = { width: 0, height: 0 };
  for (let columns = 1; columns <= count; columns++) {
    const rows = Math.ceil(count / columns);
    const cell = {
      width: (area.width - gap * (columns - 1)) / columns,
      height: (area.height - gap * (rows - 1)) / rows,
    };
    const width = Math.floor(Math.min(cell.width, cell.height * FLATTEST));
    const height = Math.floor(Math.min(cell.height, cell.width / NARROWEST));
    if (width > 0 && height > 0 && width * height > best.width * best.height) best = { width, height };
  }
  return best;
}
