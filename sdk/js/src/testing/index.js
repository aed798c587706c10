//! For unit tests of policies with `node --test`: a fake host, decisions, fixtures.

export { arrange, authorize, route, select } from "./decide.js";
export { checkFixture, checkFixtures } from "./fixture.js";
export { fakeHost, httpError } from "./host.js";
