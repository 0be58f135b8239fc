/** What the guard is told when it starts. */
export interface GuardSettings {
  /** Bytes of resident memory at which the process is ended. */
  readonly memoryLimit: number;
  /** End the process when the one that started it is gone. */
  readonly endWithParent: boolean;
}

/** What the guard is told while it watches; each message replaces the one before. */
export interface GuardOrders {
  /** `Date.now()` time after which the process is ended. */
  readonly deadline?: number;
  /** What is written before the process is ended. */
  readonly lastWords?: {
    readonly file?: { readonly path: string; readonly text: string };
    /** For standard error. */
    readonly message?: string;
  };
}

/** Begins the line by which a supervisor recognises that the guard ended the process for its memory. */
export const MEMORY_MARK = 'certiscope: memory ceiling reached';
