// The panel's tabs, and on a phone its height: a sheet that can be dragged between three heights.
import { byId } from '../dom.ts';

const tabs = ['trucks', 'alerts', 'rules', 'system'] as const;
export type Tab = (typeof tabs)[number];
const phone = matchMedia('(max-width: 720px)');
const peekPx = 142;

interface TabListeners {
  /** Called when the tab comes to the front. */
  readonly onShow: Readonly<Record<Tab, () => void>>;
  /** Called when another one does. */
  readonly onHide: Readonly<Partial<Record<Tab, () => void>>>;
}

export function setUpTabs({ onHide, onShow }: TabListeners): void {
  const show = (shown: Tab): void => {
    for (const tab of tabs) {
      const button = byId(`tab-${tab}`);
      button.setAttribute('aria-selected', String(tab === shown));
      button.tabIndex = tab === shown ? 0 : -1;
      const view = byId(`view-${tab}`);
      if (tab !== shown && !view.hidden) onHide[tab]?.();
      view.hidden = tab !== shown;
    }
    onShow[shown]();
  };
  tabs.forEach((tab, i) => {
    const button = byId(`tab-${tab}`);
    button.addEventListener('click', () => show(tab));
    button.addEventListener('keydown', ({ key }) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[key];
      const next = step && tabs[(i + step + tabs.length) % tabs.length];
      if (!next) return;
      show(next);
      byId(`tab-${next}`).focus();
    });
  });
}

export interface Sheet {
  /** To its least height, so that the map is seen. Nothing where the panel is no sheet. */
  shrink(): void;
  /** To half the height of the window, after `shrink`. */
  halve(): void;
}

export function setUpSheet(): Sheet {
  const panel = byId('panel');
  const grip = byId('grip');
  const heights = (): readonly [number, number, number] => [peekPx, Math.round(innerHeight * 0.5), innerHeight - 64];
  let at = 0;
  const settle = (index: number): void => {
    at = index;
    panel.style.setProperty('--sheet', `${heights()[index]}px`);
    grip.setAttribute('aria-label', index === 2 ? 'Shrink the panel' : 'Enlarge the panel');
  };
  grip.addEventListener('click', (event) => {
    if (event.detail === 0) settle((at + 1) % 3); // by keyboard
  });
  for (const handle of panel.querySelectorAll<HTMLElement>('.grip, .brand, .tabs')) drag(handle);
  for (const tab of panel.querySelectorAll('[role=tab]'))
    tab.addEventListener('click', () => {
      if (phone.matches && at === 0) settle(1);
    });
  byId('search').addEventListener('focus', () => {
    if (phone.matches) settle(2);
  });
  addEventListener('resize', () => settle(at));
  settle(0);
  return {
    shrink: () => {
      if (phone.matches) settle(0);
    },
    halve: () => {
      if (phone.matches) settle(1);
    },
  };

  function drag(handle: HTMLElement): void {
    let start: { readonly y: number; readonly height: number; moved: boolean } | undefined;
    const isControl = (target: EventTarget | null): boolean =>
      target instanceof Element && target.closest('button:not([role=tab])') !== null;
    handle.addEventListener('pointerdown', (event) => {
      if (!phone.matches || (handle !== grip && isControl(event.target))) return;
      start = { y: event.clientY, height: heights()[at] ?? peekPx, moved: false };
    });
    const heightAt = (event: PointerEvent): number => (start ? start.height + start.y - event.clientY : peekPx);
    addEventListener('pointermove', (event) => {
      if (!start) return;
      start.moved ||= Math.abs(event.clientY - start.y) > 5;
      if (!start.moved) return;
      panel.classList.add('is-dragged');
      const height = Math.min(heights()[2], Math.max(peekPx, heightAt(event)));
      panel.style.setProperty('--sheet', `${height}px`);
    });
    const end = (event: PointerEvent): void => {
      if (!start) return;
      panel.classList.remove('is-dragged');
      if (start.moved) settle(nearest(heights(), heightAt(event)));
      else if (handle === grip) settle((at + 1) % 3);
      start = undefined;
    };
    addEventListener('pointerup', end);
    addEventListener('pointercancel', end);
  }
}

function nearest(heights: readonly number[], height: number): number {
  const distances = heights.map((candidate) => Math.abs(candidate - height));
  return distances.indexOf(Math.min(...distances));
}
