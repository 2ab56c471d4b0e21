// Rules in words, for lists and forms.
import { type Area, type FieldSpec, RULE_KINDS, type RuleDraft, type RuleKind, type Schedule } from '@milepost/alerts';

export const kindNames: Readonly<Record<RuleKind, string>> = {
  speeding: 'Speeding',
  geofence: 'Area entered or left',
  corridor: 'Off its route',
  silence: 'Silent',
  stopped: 'Standing too long',
  'harsh-braking': 'Harsh braking',
  'low-battery': 'Low battery',
  'low-fuel': 'Low fuel',
  ignition: 'Ignition on',
};
export const kinds = Object.keys(RULE_KINDS) as readonly RuleKind[];

/** "faster than 90 km/h in an area · all trucks" */
export const describeRule = (rule: RuleDraft): string =>
  [describeCondition(rule), describeTrucks(rule), ...(rule.schedule ? [describeSchedule(rule.schedule)] : [])].join(
    ' · ',
  );

function describeCondition(rule: RuleDraft): string {
  switch (rule.kind) {
    case 'speeding':
      return `Faster than ${rule.limitKmh} km/h${inArea(rule.area)}`;
    case 'geofence':
      return `${rule.event === 'enter' ? 'Enters' : 'Leaves'} its area`;
    case 'corridor':
      return `Leaves a strip of ${rule.widthM} m along its route`;
    case 'silence':
      return `Silent for ${duration(rule.afterSeconds)}`;
    case 'stopped':
      return `Stands for ${duration(rule.afterSeconds)}${inArea(rule.area)}`;
    case 'harsh-braking':
      return `Brakes harder than ${rule.decelerationMps2} m/s²`;
    case 'low-battery':
      return `Battery below ${rule.belowPct} %`;
    case 'low-fuel':
      return `Fuel below ${rule.belowPct} %`;
    case 'ignition':
      return 'Ignition is on';
  }
}

const inArea = (area: Area | undefined): string => (area ? ' in an area' : '');

function describeTrucks({ trucks }: RuleDraft): string {
  if (trucks === 'all') return 'all trucks';
  if ('pattern' in trucks) return `trucks ${trucks.pattern}`;
  const [first = '', ...others] = trucks.ids;
  return others.length === 0 ? first : `${first} and ${others.length} more`;
}

function describeSchedule({ days, from, timeZone, to }: Schedule): string {
  return [...(days ?? []).map(capitalized), ...(from && to ? [`${from}–${to}`] : []), timeZone].join(' ');
}

/** "90 s", "5 min", "2 h", "1 d", without loss. */
export function duration(seconds: number): string {
  const units = [
    ['d', 86_400],
    ['h', 3_600],
    ['min', 60],
  ] as const;
  for (const [unit, unitSeconds] of units)
    if (seconds >= unitSeconds && seconds % unitSeconds === 0) return `${seconds / unitSeconds} ${unit}`;
  return `${seconds} s`;
}

const fieldNames: Readonly<Record<string, string>> = {
  limitKmh: 'Limit',
  event: 'Fires when a truck',
  area: 'Area',
  line: 'Route',
  widthM: 'Width of the strip',
  afterSeconds: 'After',
  radiusM: 'Moves less than',
  decelerationMps2: 'Harder than',
  belowPct: 'Below',
};

/** The label of a field of a kind's table. */
export const fieldName = (field: string, { does }: FieldSpec): string => fieldNames[field] ?? capitalized(does);

const capitalized = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
