/* A treemap: rectangles whose areas are in proportion to weights, as near to squares as can be (after Bruls, Huizing
   and van Wijk, "Squarified Treemaps", 2000). */

/** Rectangles `{x, y, width, height}` for weights in falling order that fill a rectangle. Weights of 0 get no area. */
export function squarified(weights, width, height) {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const areas = weights.map((weight) => (total > 0 ? (weight / total) * width * height : 0));
  const found = [];
  const free = { x: 0, y: 0, width, height };
  let row = [];
  for (const area of areas) {
    const side = Math.min(free.width, free.height);
    if (row.length > 0 && worst([...row, area], side) > worst(row, side)) {
      place(row, free, found);
      row = [];
    }
    row.push(area);
  }
  place(row, free, found);
  return found;
}

/** The proportions of the least square rectangle of a row along a side. */
function worst(row, side) {
  const sum = row.reduce((all, area) => all + area, 0);
  if (sum === 0 || side === 0) return Infinity;
  const thick = sum / side;
  return Math.max(...row.map((area) => (area > 0 ? Math.max(thick ** 2 / area, area / thick ** 2) : Infinity)));
}

/** Lay a row along the shorter side of the free rectangle, and shrink that. */
function place(row, free, found) {
  const sum = row.reduce((all, area) => all + area, 0);
  const isUpright = free.width >= free.height;
  const side = isUpright ? free.height : free.width;
  const thick = side > 0 ? sum / side : 0;
  let at = isUpright ? free.y : free.x;
  for (const area of row) {
    const long = thick > 0 ? area / thick : 0;
    found.push(
      isUpright ? { x: free.x, y: at, width: thick, height: long } : { x: at, y: free.y, width: long, height: thick },
    );
    at += long;
  }
  if (isUpright) {
    free.x += thick;
    free.width -= thick;
  } else {
    free.y += thick;
    free.height -= thick;
  }
}
