/** The names of an object's methods, those of its class and of the classes that it extends, but for some. */
export function methodsOf(object: object, but: readonly string[] = []): string[] {
  const names = new Set<string>();
  for (
    let prototype = Object.getPrototypeOf(object);
    prototype !== Object.prototype;
    prototype = Object.getPrototypeOf(prototype)
  )
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(prototype)))
      if (typeof value === "function" && name !== "constructor" && !but.includes(name)) names.add(name);
  return [...names];
}
