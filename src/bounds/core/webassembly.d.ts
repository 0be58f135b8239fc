// What the core needs of the WebAssembly interface; the whole of it comes only with browser types, which do not belong here.
declare namespace WebAssembly {
  class Module {
    constructor(bytes: Uint8Array);
  }
  class Instance {
    constructor(module: Module, imports: object);
    readonly exports: object;
  }
}
