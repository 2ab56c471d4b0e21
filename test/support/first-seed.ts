// Where the seeds of a run begin when nobody says it. In CI (the variable is set) always at the same place: there a change
// is judged, and the same change is always judged the same. Everywhere else they are new each time.
const IN_CI = 1_000_000;

export const firstSeed = (): number => (process.env['CI'] ? IN_CI : Math.floor(Math.random() * 2 ** 31));
