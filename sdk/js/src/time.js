//! The host's local time, from what every question but an auth one carries. In a selection it is
//! the time when the clip will begin, otherwise that of the decision.

const DAY_MINUTES = 24 * 60;

/** The host's local time of day, minutes since midnight; 0 to 1439. */
export function localMinuteOfDay(question) {
    const minutes = localMinutes(question);
    return ((minutes % DAY_MINUTES) + DAY_MINUTES) % DAY_MINUTES;
}

/** The host's local date: `year`, `month` (1 to 12), `day` (1 to 31), `weekday` (0 is Monday). */
export function localDate(question) {
    const date = new Date(localMinutes(question) * 60_000);
    return {
        year: date.getUTCFullYear(),
        month: date.getUTCMonth() + 1,
        day: date.getUTCDate(),
        weekday: (date.getUTCDay() + 6) % 7,
    };
}

/** Minutes since midnight of a time of day such as "06:30". */
export function minuteOfDay(clock) {
    const [hours, minutes] = clock.split(":").map(Number);
    return hours * 60 + minutes;
}

/** Whether a minute of the day lies in a span that may pass midnight; its end is not part of it. */
export function within(minute, from, to) {
    return from <= to ? from <= minute && minute < to : minute >= from || minute < to;
}

function localMinutes({ startsUnixMs, nowUnixMs, utcOffsetMinutes }) {
    return Math.floor((startsUnixMs ?? nowUnixMs) / 60_000) + utcOffsetMinutes;
}
