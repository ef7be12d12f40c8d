// Which metrics have no meaning for which dimensions.

import { type Refused, refused } from "./checked.ts";
import type { Dimension, Metric } from "./plan.ts";

const OF_WHOLE_VISITS: readonly Metric[] = ["views_per_visit", "bounce_rate", "visit_duration"];
/** What the events of one visit, and those that make up a goal, differ in. */
const OF_SINGLE_EVENTS: readonly string[] = ["event_type", "title"];

/** Why the metrics cannot be computed for groups of the dimensions, if so. The names are those in the question. */
export function meaningProblem(
  metrics: readonly Metric[],
  dimensions: readonly Dimension[],
  names: readonly string[],
): Refused | undefined {
  const name = names[dimensions.findIndex(isOfSingleEvents)];
  if (name === undefined) return undefined;
  const leaveOut = "leave out one of them";
  const ofVisits = metrics.find((metric) => OF_WHOLE_VISITS.includes(metric));
  if (ofVisits !== undefined) {
    return refused(
      `metrics: ${ofVisits} has no meaning by ${name}, as it is of whole visits and ${name} of single events: ${leaveOut}`,
    );
  }
  if (!metrics.includes("conversion_rate")) return undefined;
  return refused(
    `metrics: conversion_rate has no meaning by ${name}, as the events of the goal have a ${name} of their own: ${leaveOut}`,
  );
}

function isOfSingleEvents(dimension: Dimension): boolean {
  if (dimension.kind === "prop") return true;
  return dimension.kind === "event" && OF_SINGLE_EVENTS.includes(dimension.name);
}
