export const WORLD = Symbol('tallystick.world');
