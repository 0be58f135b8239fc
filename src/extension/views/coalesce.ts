/**
 * Calls `act` at most once every `milliseconds`, the first time at once and the last time always: views are redrawn as often as a person can
 * see, however fast events come.
 */
export function coalesce(milliseconds: number, act: () => void): { request(): void; flush(): void; dispose(): void } {
  let timer: NodeJS.Timeout | null = null;
  let wanted = false;
  const fire = () => {
    wanted = false;
    act();
    timer = setTimeout(() => {
      timer = null;
      if (wanted) fire();
    }, milliseconds);
  };
  return {
    request: () => {
      wanted = true;
      if (!timer) fire();
    },
    flush: () => {
      if (timer) clearTimeout(timer);
      fire();
    },
    dispose: () => {
      if (timer) clearTimeout(timer);
      timer = null;
    },
  };
}

/** Four times a second: progress events come no faster (design, section 4). */
export const VIEW_INTERVAL_MS = 250;
