// On which platform the process runs, for `spring.config.activate.on-cloud-platform`, told by the variables that the
// platforms set.

type Variables = Readonly<Record<string, string | undefined>>;

const PLATFORMS: Readonly<Record<string, (env: Variables) => boolean>> = {
  cloud_foundry: (env) => env.VCAP_APPLICATION !== undefined || env.VCAP_SERVICES !== undefined,
  heroku: (env) => env.DYNO !== undefined,
  sap: (env) => env.HC_LANDSCAPE !== undefined,
  nomad: (env) => env.NOMAD_ALLOC_ID !== undefined,
  azure_app_service: (env) =>
    ['WEBSITE_SITE_NAME', 'WEBSITE_INSTANCE_ID', 'WEBSITE_RESOURCE_GROUP', 'WEBSITE_SKU'].every(
      (name) => env[name] !== undefined,
    ),
  kubernetes: (env) => env.KUBERNETES_SERVICE_HOST !== undefined && env.KUBERNETES_SERVICE_PORT !== undefined,
};

/** Its name; `forced` (`spring.main.cloud-platform`) counts more than what the variables say. */
export function activePlatform(env: Variables, forced: string | undefined): string | undefined {
  if (forced !== undefined && forced !== '') return forced.trim().toLowerCase();
  return Object.keys(PLATFORMS).find((name) => PLATFORMS[name]!(env));
}
