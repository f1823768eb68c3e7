// Limits of leases, each with its reason.

/** Less is gone before anybody could see it. */
export const SHORTEST_LEASE_S = 60;
/** Who has not renewed for a season is not there any more, and holds bytes. */
export const LONGEST_LEASE_S = 90 * 24 * 60 * 60;
/** One transaction looks at them all. A larger cluster takes a lease for each of its namespaces. */
export const MOST_LEASE_ITEMS = 1_000;
/** Of one principal, at once. */
export const MOST_LEASES = 1_000;
/** Let go in one transaction: each may free many layers. */
export const ITEMS_AT_ONCE = 50;
/** Such transactions while somebody waits who ends a lease. */
export const ENDED_LEASE_TURNS = 20;
