// The panel's tabs, and on a phone its height: a sheet that can be dragged between three heights.
import { byId } from './dom.js';

const tabs = ['trucks', 'alerts', 'system'];
const phone = matchMedia('(max-width: 720px)');
const peekPx = 142;

/** `onShow[tab]` is called when a tab comes to the front. */
export function setUpTabs(onShow) {
  const show = (shown) => {
    for (const tab of tabs) {
      const button = byId(`tab-${tab}`);
      button.setAttribute('aria-selected', String(tab === shown));
      button.tabIndex = tab === shown ? 0 : -1;
      byId(`view-${tab}`).hidden = tab !== shown;
    }
    onShow[shown]?.();
  };
  tabs.forEach((tab, i) => {
    const button = byId(`tab-${tab}`);
    button.addEventListener('click', () => show(tab));
    button.addEventListener('keydown', ({ key }) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[key];
      if (!step) return;
      const next = tabs[(i + step + tabs.length) % tabs.length];
      show(next);
      byId(`tab-${next}`).focus();
    });
  });
}

export function setUpSheet() {
  const panel = byId('panel');
  const grip = byId('grip');
  const heights = () => [peekPx, Math.round(innerHeight * 0.5), innerHeight - 64];
  let at = 0;
  const settle = (index) => {
    at = index;
    panel.style.setProperty('--sheet', `${heights()[index]}px`);
    grip.setAttribute('aria-label', index === 2 ? 'Shrink the panel' : 'Enlarge the panel');
  };
  grip.addEventListener('click', (event) => event.detail === 0 && settle((at + 1) % 3)); // by keyboard
  for (const handle of [grip, panel.querySelector('.brand'), panel.querySelector('.tabs')]) drag(handle);
  for (const tab of panel.querySelectorAll('[role=tab]'))
    tab.addEventListener('click', () => phone.matches && at === 0 && settle(1));
  byId('search').addEventListener('focus', () => phone.matches && settle(2));
  addEventListener('resize', () => settle(at));
  settle(0);
  return { shrink: () => phone.matches && settle(0) };

  function drag(handle) {
    let start;
    handle.addEventListener('pointerdown', (event) => {
      if (!phone.matches || (event.target.closest('button') && handle !== grip && !event.target.closest('[role=tab]')))
        return;
      start = { y: event.clientY, height: heights()[at], moved: false };
    });
    addEventListener('pointermove', (event) => {
      if (!start) return;
      start.moved ||= Math.abs(event.clientY - start.y) > 5;
      if (!start.moved) return;
      panel.classList.add('is-dragged');
      const height = Math.min(heights()[2], Math.max(peekPx, start.height + start.y - event.clientY));
      panel.style.setProperty('--sheet', `${height}px`);
    });
    const end = (event) => {
      if (!start) return;
      panel.classList.remove('is-dragged');
      const height = start.height + start.y - event.clientY;
      if (start.moved) settle(nearest(heights(), height));
      else if (handle === grip) settle((at + 1) % 3);
      start = undefined;
    };
    addEventListener('pointerup', end);
    addEventListener('pointercancel', end);
  }
}

function nearest(heights, height) {
  const distances = heights.map((candidate) => Math.abs(candidate - height));
  return distances.indexOf(Math.min(...distances));
}
