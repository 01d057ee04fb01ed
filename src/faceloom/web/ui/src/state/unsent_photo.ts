/** Browser storage (IndexedDB) for one photo that could not be sent. */

const NAME = "faceloom";
const STORE = "unsent";
const KEY = "photo";

export interface Unsent {
  visit: string;
  photo: Blob;
}

function openDatabase(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("the browser does not store data"));
  });
}

async function runRequest<T>(mode: IDBTransactionMode, work: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  const database = await openDatabase();
  try {
    return await new Promise<T>((resolve, reject) => {
      const request = work(database.transaction(STORE, mode).objectStore(STORE));
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error ?? new Error("the browser does not store data"));
    });
  } finally {
    database.close();
  }
}

/** Store the photo of a visit. A browser that does not store data is no error: the photo is in memory as well. */
export const saveUnsentPhoto = (unsent: Unsent): Promise<unknown> =>
  runRequest("readwrite", (store) => store.put(unsent, KEY)).catch(() => undefined);

export const loadUnsentPhoto = (): Promise<Unsent | undefined> =>
  runRequest<Unsent | undefined>("readonly", (store) => store.get(KEY) as IDBRequest<Unsent | undefined>).catch(
    () => undefined,
  );

export const deleteUnsentPhoto = (): Promise<unknown> =>
  runRequest("readwrite", (store) => store.delete(KEY) as IDBRequest<undefined>).catch(() => undefined);
