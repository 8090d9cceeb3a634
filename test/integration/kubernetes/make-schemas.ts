/**
 * Makes `fixtures/schemas.json`: of the schemas that Kubernetes and OpenShift publish, the part that our manifests need, without the
 * descriptions. Both are Go modules, which `go mod download` brings:
 *
 *     go mod download -json k8s.io/kubernetes@v1.34.1 github.com/openshift/api@v0.0.0-20240830023148-b7d0481c9094
 *     node test/integration/kubernetes/make-schemas.ts <folder of the first> <folder of the second>
 *
 * @module
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { isRecord } from './objects.ts';

/** Kinds that the manifests may have, by the names of their definitions. */
const kinds = [
  'io.k8s.api.apps.v1.Deployment',
  'io.k8s.api.apps.v1.StatefulSet',
  'io.k8s.api.autoscaling.v2.HorizontalPodAutoscaler',
  'io.k8s.api.core.v1.ConfigMap',
  'io.k8s.api.core.v1.Namespace',
  'io.k8s.api.core.v1.Service',
  'io.k8s.api.core.v1.ServiceAccount',
  'io.k8s.api.networking.v1.Ingress',
  'io.k8s.api.networking.v1.NetworkPolicy',
  'io.k8s.api.policy.v1.PodDisruptionBudget',
];

/** What a validator asks for, in the order in which it is written. */
const kept = ['type', 'format', 'enum', 'pattern', 'required', 'minimum', 'maximum', 'minLength', 'maxLength'];

/** A schema without its descriptions; what it refers to is collected in `wanted`. */
function reduced(schema: Readonly<Record<string, unknown>>, wanted: Set<string>): Record<string, unknown> {
  const { $ref: ref, items, properties, additionalProperties: others } = schema;
  if (typeof ref === 'string') {
    const name = ref.replace('#/definitions/', '');
    wanted.add(name);
    return { $ref: name };
  }
  const small: Record<string, unknown> = {};
  for (const key of kept) if (schema[key] !== undefined) small[key] = schema[key];
  if (schema['x-kubernetes-int-or-string'] === true) small['format'] = 'int-or-string';
  if (isRecord(items)) small['items'] = reduced(items, wanted);
  if (isRecord(others)) small['additionalProperties'] = reduced(others, wanted);
  if (isRecord(properties))
    small['properties'] = Object.fromEntries(
      Object.entries(properties).map(([name, value]) => [name, reduced(isRecord(value) ? value : {}, wanted)]),
    );
  return small;
}

const [kubernetes = '', openshift = ''] = process.argv.slice(2);
const swagger: unknown = JSON.parse(readFileSync(join(kubernetes, 'api/openapi-spec/swagger.json'), 'utf8'));
if (!isRecord(swagger) || !isRecord(swagger['definitions']) || !isRecord(swagger['info']))
  throw new TypeError('Cannot read the schemas of Kubernetes');
const definitions: Record<string, unknown> = {};
const wanted = new Set(kinds);
for (const name of wanted) {
  const definition = swagger['definitions'][name];
  if (!isRecord(definition)) throw new TypeError(`Cannot find ${name}`);
  definitions[name] = reduced(definition, wanted);
}

const crd: unknown = parse(
  readFileSync(join(openshift, 'route/v1/zz_generated.crd-manifests/routes-Default.crd.yaml'), 'utf8'),
);
const route = [crd]
  .flatMap((file) => (isRecord(file) && isRecord(file['spec']) ? file['spec']['versions'] : []))
  .flatMap((version) =>
    isRecord(version) && isRecord(version['schema']) ? version['schema']['openAPIV3Schema'] : [],
  )[0];
if (!isRecord(route)) throw new TypeError('Cannot read the schema of Route');
const small = reduced(route, wanted);
if (isRecord(small['properties']))
  small['properties']['metadata'] = { $ref: 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta' };
definitions['com.github.openshift.api.route.v1.Route'] = small;

const version = kubernetes.replace(/^.*@/, '');
const about = `Made by make-schemas.ts of Kubernetes ${version} and openshift/api (both Apache-2.0)`;
writeFileSync(
  join(import.meta.dirname, 'fixtures/schemas.json'),
  `${JSON.stringify({ about, definitions }).replaceAll('},"io.k8s', '},\n"io.k8s')}\n`,
);
