// What is read of it; as a module of the compiler's it would have to be below src.
declare module '*/package.json' {
  const manifest: { version: string };
  export default manifest;
}
