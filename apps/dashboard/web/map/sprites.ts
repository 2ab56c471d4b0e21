// The symbols of trucks on the map: one small canvas for each state and direction.
import { penOf } from '../dom.ts';
import type { FleetState } from '../fleet.ts';

export const spriteSize = 40;
/** The directions that are told apart. */
export const headingSteps = 72;
const pixelRatio = 2;

export type SpriteColors = Readonly<Record<FleetState | 'outline' | 'land', string>>;

/** `deg` undefined: the direction is not known. */
export function drawSprite(state: FleetState, deg: number | undefined, colors: SpriteColors): HTMLCanvasElement {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = spriteSize * pixelRatio;
  const pen = penOf(canvas);
  pen.scale(pixelRatio, pixelRatio);
  pen.translate(spriteSize / 2, spriteSize / 2);
  pen.lineJoin = 'round';
  pen.strokeStyle = colors.outline;
  pen.fillStyle = colors[state];
  const path = shapeOf(state, deg);
  if (deg !== undefined && state !== 'stopped') pen.rotate((deg * Math.PI) / 180);
  pen.lineWidth = 4.5;
  pen.stroke(path);
  if (state === 'silent') {
    pen.fillStyle = colors.land;
    pen.fill(path);
    pen.lineWidth = 2.2;
    pen.strokeStyle = colors.silent;
    pen.stroke(path);
  } else pen.fill(path);
  return canvas;
}

/** An arrow if there is a direction, a square for a standing truck, a dot if neither is known. */
function shapeOf(state: FleetState, deg: number | undefined): Path2D {
  if (state === 'stopped') {
    const square = new Path2D();
    square.roundRect(-6, -6, 12, 12, 3.5);
    return square;
  }
  if (deg !== undefined) return new Path2D('M0 -12 L8.2 9.5 L0 5.2 L-8.2 9.5 Z');
  const dot = new Path2D();
  dot.arc(0, 0, 6.5, 0, 2 * Math.PI);
  return dot;
}
