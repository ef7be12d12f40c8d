// How the service is doing, as GetStatus, /health and grpc.health.v1 show it.

export interface Status {
  readonly version: string;
  readonly uptimeMs: number;
  readonly state: "healthy" | "degraded" | "unavailable";
  /** Why the state is not healthy; empty when it is. */
  readonly reason: string;
  /** The log's UUID; empty while it was never opened. */
  readonly logId: string;
  /** The offset that the next event on disk will get. */
  readonly logEnd: number;
  /** The offset of the next event to be folded. */
  readonly projected: number;
  /** Events accepted and not yet folded. */
  readonly backlog: number;
  /** The age of the oldest of those in ms; 0 without a backlog. */
  readonly lagMs: number;
}

export interface StatusSource {
  status(): Promise<Status>;
}
