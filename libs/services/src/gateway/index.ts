export { GatewayConfigSchema, type GatewayConfig } from './gateway-config.ts';
export type * from './gateway-ports.ts';
export { GatewayModule, GATEWAY_CONTROLLERS } from './gateway.module.ts';
export { TOKEN_SCOPES, tokenDirectory, tokenHash, TokensFile } from './tokens.ts';
