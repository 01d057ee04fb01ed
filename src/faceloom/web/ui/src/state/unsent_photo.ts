/** A photo that could not be sent waits in the browser, and only as long as it must. */

const NAME = "faceloom";
const STORE = "unsent";
const KEY = "photo";

export interface Unsent {
  visit: string;
  photo: Blob;
}

function open(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("the browser keeps nothing"));
  });
}

async function run<T>(mode: IDBTransactionMode, work: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  const database = await open();
  try {
    return await new Promise<T>((resolve, reject) => {
      const request = work(database.transaction(STORE, mode).objectStore(STORE));
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error ?? new Error("the browser keeps nothing"));
    });
  } finally {
    database.close();
  }
}

/** Keep the photo of a visit; a browser that keeps nothing is no error, the photo is in memory as well. */
export const saveUnsentPhoto = (unsent: Unsent): Promise<unknown> =>
  run("readwrite", (store) => store.put(unsent, KEY)).catch(() => undefined);

export const loadUnsentPhoto = (): Promise<Unsent | undefined> =>
  run<Unsent | undefined>("readonly", (store) => store.get(KEY) as IDBRequest<Unsent | undefined>).catch(
    () => undefined,
  );

export const deleteUnsentPhoto = (): Promise<unknown> =>
  run("readwrite", (store) => store.delete(KEY) as IDBRequest<undefined>).catch(() => undefined);
