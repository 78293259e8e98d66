/** Entry of the room page: from the address to a seat, into the room, and out again. */
import { join, meetingFromPath, type Seat } from './api';
import type { End } from './connection';
import { Devices } from './devices';
import { Meeting } from './meeting';
import { forget, recall, remember } from './memory';
import { announce, clearAnnouncements, mountAnnouncer } from './ui/announcer';
import { guardBack } from './ui/back';
import { closedPage, farewellPage, type Way } from './ui/closed';
import { askToLeave } from './ui/controls';
import { clearToasts, closeQuestions, mountToasts, toast } from './ui/dialog';
import { h } from './ui/element';
import { createEntrance } from './ui/entrance';
import { createRoomScreen } from './ui/roomscreen';
import { callSides } from './words';

const meetingId = meetingFromPath(location.pathname);
const way: Way = { back: '/', phone: null, standing: false, again: () => void begin() };

async function begin(): Promise<void> {
  const memory = recall(meetingId);
  const answer = await join(meetingId, memory?.accepted ?? false);
  if (!answer.ok) {
    way.back = answer.back ?? way.back;
    show(closedPage(answer, way));
    return;
  }
  way.phone = answer.seat.help_phone;
  way.back = answer.seat.back;
  way.standing = answer.seat.standing;
  callSides(answer.seat.sides);
  const devices = new Devices();
  if (memory?.accepted) {
    await devices.start(memory.mic, memory.cam);
    enter(answer.seat, devices);
    return;
  }
  const entrance = createEntrance(answer.seat, devices, () => void enterFirst(devices));
  devices.changed = entrance.update;
  devices.told = (text) => toast(text, 'problem');
  show(entrance.node);
  await devices.start(true, true);
}

/** The token at hand may have expired while the notice was read: a new one carries the acceptance. */
async function enterFirst(devices: Devices): Promise<void> {
  const answer = await join(meetingId, true);
  if (!answer.ok) {
    devices.stop();
    show(closedPage(answer, way));
    return;
  }
  enter(answer.seat, devices);
}

function enter(seat: Seat, devices: Devices): void {
  const meeting = new Meeting(seat, meetingId, devices, {
    changed: () => screen.update(),
    effect: (effect) => screen.effect(effect),
    refused: (text) => toast(text, 'problem'),
    ended: (end) => {
      screen.stop();
      unguard();
      leave(end);
    },
  });
  const screen = createRoomScreen(meeting);
  const keep = () => {
    const { mic, cam } = devices.state;
    remember(meetingId, { accepted: true, mic, cam });
  };
  devices.changed = () => {
    keep();
    meeting.devicesChanged();
  };
  devices.told = devices.failed = (text) => {
    toast(text, 'problem');
    announce(text, true, meeting.now());
  };
  keep();
  const unguard = guardBack(() => askToLeave(meeting));
  show(screen.node);
  screen.update();
  meeting.start();
  Object.defineProperty(window, 'accordo', {
    configurable: true,
    get: () => ({ pc: meeting.media?.pc ?? null, state: meeting.state }),
  });
}

function leave(end: End): void {
  if (end.kind === 'leave' && end.reason === 'ended') forget(meetingId);
  document.title = 'Accordo';
  closeQuestions();
  clearToasts();
  clearAnnouncements();
  show(farewellPage(end, way));
}

function show(page: HTMLElement): void {
  document.getElementById('app')?.replaceChildren(page);
  page.querySelector<HTMLElement>('h1')?.focus();
}

document.getElementById('app')?.append(h('p', { class: 'loading', text: 'Un momento…' }));
mountAnnouncer(document.body);
mountToasts(document.body);
void begin();
