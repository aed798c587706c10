//! Errors that are meant for the operator.

/** Why a policy gives no answer, in words for the operator. Throw it, or any other error. */
export class PolicyError extends Error {
    get name() {
        return this.constructor.name;
    }
}
